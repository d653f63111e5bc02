import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AIM, bench, SAFETY, SHARP, valuesOf, WIDE } from '../../support/firmware-bench.ts'

describe('rule 4: stage', () => {
  it('replaces an earlier stage of the resource, and leaves the other resource alone', () => {
    const controller = bench()
    controller.ask('stage', controller.stageRequest({ fence: 7 }))
    controller.ask('stage', controller.stageRequest({ resource: SAFETY, fence: 9, values: WIDE }))
    controller.ask('stage', controller.stageRequest({ fence: 8 }))
    assert.deepEqual(controller.trace.staged, ['aim', 'safety'])
    assert.equal(controller.refusal('commit', { resource: AIM, fence: 7 }), 'not-staged')
    controller.ask('commit', { resource: AIM, fence: 8 })
    controller.ask('commit', { resource: SAFETY, fence: 9 })
  })

  it('is refused while the axis is not paused, and while it still decelerates', () => {
    const controller = bench()
    controller.resume()
    controller.pass(1000)
    assert.equal(controller.refusal('stage', controller.stageRequest()), 'not-paused')
    controller.ask('pause', { why: 'config' })
    assert.equal(controller.refusal('stage', controller.stageRequest()), 'not-standing')
    controller.until(() => !controller.trace.moving)
    controller.ask('stage', controller.stageRequest())
  })

  it('is refused with a fence below the high-water or the floor', () => {
    const controller = bench()
    controller.change({ fence: 7 })
    controller.ask('confirm', { resource: AIM, fence: 7 })
    assert.equal(controller.refusal('stage', controller.stageRequest({ fence: 6 })), 'old-fence')
    controller.ask('floor', { resource: AIM, floor: 100 })
    assert.equal(controller.refusal('stage', controller.stageRequest({ fence: 99 })), 'old-fence')
    controller.ask('stage', controller.stageRequest({ fence: 100 }))
    assert.deepEqual(controller.trace.refusals, { 'old-fence': 2 })
  })

  it('of a fence that is in force is answered and changes nothing', () => {
    const controller = bench()
    controller.change({ fence: 7 })
    controller.ask('stage', controller.stageRequest({ fence: 7, values: valuesOf(AIM, [0.1, 0.1, 10]) }))
    assert.deepEqual(controller.trace.staged, [])
    assert.ok(controller.ask('commit', { resource: AIM, fence: 7 }).already)
    assert.equal(controller.trace.params['aim.sensitivity'], 0.65)
  })

  it('is refused with a fence that was rolled back', () => {
    const controller = bench()
    controller.change({ fence: 7 })
    controller.ask('rollback', { resource: AIM, fence: 7 })
    assert.equal(controller.refusal('stage', controller.stageRequest({ fence: 7 })), 'spent-fence')
  })

  it('is refused while another commit of the resource awaits its confirmation', () => {
    const controller = bench()
    controller.change({ fence: 7 })
    assert.equal(controller.refusal('stage', controller.stageRequest({ fence: 8 })), 'unverified')
    controller.ask('stage', controller.stageRequest({ resource: SAFETY, fence: 8, values: WIDE }))
  })

  it('is refused for a resource that does not exist', () => {
    const controller = bench()
    assert.equal(controller.refusal('stage', controller.stageRequest({ resource: 2 })), 'bad-resource')
  })

  it('names every parameter of its resource exactly once, in any order', () => {
    const controller = bench()
    const [first, second, third] = [SHARP[0]!, SHARP[1]!, SHARP[2]!]
    const bad = [
      [],
      [first, second],
      [first, second, second],
      [first, second, WIDE[0]!],
      [...SHARP, third],
      [{ param: 200, value: 1 }, second, third]
    ]
    for (const values of bad) {
      assert.equal(controller.refusal('stage', controller.stageRequest({ values })), 'bad-param')
    }
    controller.change({ values: [third, first, second] })
    assert.equal(controller.trace.params['aim.max_slew_deg_s'], 45)
  })

  it('is refused for values out of range, infinities and NaN, and takes the ends of the range', () => {
    const controller = bench()
    for (const value of [-0.001, 1.001, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const request = controller.stageRequest()
      const bits = new Float32Array([value])
      const payload = stagePayload(request.deadlineMs, new Uint8Array(bits.buffer))
      assert.equal(controller.refusal('stage', request, { payload }), 'out-of-range', String(value))
    }
    controller.ask('stage', controller.stageRequest({ values: valuesOf(AIM, [0, 10, 360]) }))
    controller.ask('stage', controller.stageRequest({ values: valuesOf(AIM, [1, 0, 1]) }))
  })

  it('is refused when its length does not fit its count, or its fence is none', () => {
    const controller = bench()
    const request = controller.stageRequest()
    assert.equal(controller.refusal('stage', request, { payload: new Uint8Array(17) }), 'bad-request')
    const payload = stagePayload(request.deadlineMs, new Uint8Array(4))
    assert.equal(controller.refusal('stage', request, { payload: payload.subarray(1) }), 'bad-request')
    assert.equal(controller.refusal('stage', controller.stageRequest({ fence: 0 })), 'bad-request')
    const huge = payload.slice()
    huge.fill(0xff, 1, 9)
    assert.equal(controller.refusal('stage', request, { payload: huge }), 'bad-request')
  })
})

/** A stage of `aim` under fence 7, with the bytes of its first value as given: those that a codec would not send. */
function stagePayload(deadlineMs: number, first: Uint8Array): Uint8Array {
  const payload = new Uint8Array(33)
  const view = new DataView(payload.buffer)
  view.setUint8(1, 7)
  view.setUint32(9, deadlineMs, true)
  view.setUint32(13, 3, true)
  view.setUint8(17, 3)
  payload.set(first, 19)
  view.setUint8(23, 1)
  view.setFloat32(24, 0.5, true)
  view.setUint8(28, 2)
  view.setFloat32(29, 30, true)
  return payload
}

describe('rule 5: deadline', () => {
  it('discards what is staged by itself, and the commit is told that it is late', () => {
    const controller = bench()
    controller.ask('stage', controller.stageRequest({ deadlineMs: controller.nowMs + 200 }))
    controller.pass(200)
    assert.deepEqual(controller.trace.staged, [])
    assert.equal(controller.refusal('commit', { resource: AIM, fence: 7 }), 'late')
    assert.equal(controller.trace.fences.aim, 0)
    controller.ask('discard', { resource: AIM })
    assert.equal(controller.refusal('commit', { resource: AIM, fence: 7 }), 'not-staged')
  })

  it('holds to the millisecond: one before it commits, at it is late', () => {
    for (const [waitMs, outcome] of [
      [199, 0],
      [200, 8]
    ]) {
      const controller = bench()
      controller.ask('stage', controller.stageRequest({ deadlineMs: controller.nowMs + 200 }))
      controller.step(waitMs)
      const reply = controller.reply(controller.say('commit', { resource: AIM, fence: 7 }))
      assert.equal(reply.type === 0x85 ? 0 : reply.payload[1], outcome)
    }
  })

  it('refuses a stage whose deadline has passed, or lies more than 2^31 ms ahead', () => {
    const controller = bench()
    const late = (deadlineMs: number) => controller.refusal('stage', controller.stageRequest({ deadlineMs }))
    assert.equal(late(controller.nowMs), 'late')
    assert.equal(late((controller.nowMs + 2 ** 31 + 100) % 2 ** 32), 'late')
    controller.ask('stage', controller.stageRequest({ deadlineMs: controller.nowMs + 2 ** 31 - 100 }))
  })

  it('holds across the wrap of the clock', () => {
    const controller = bench()
    controller.step(2 ** 31 - 1000)
    controller.step(2 ** 31 - 1000)
    const deadlineMs = (controller.nowMs + 5000) % 2 ** 32
    assert.ok(deadlineMs < 5000)
    controller.ask('stage', controller.stageRequest({ deadlineMs }))
    controller.pass(4000)
    assert.deepEqual(controller.trace.staged, ['aim'])
    controller.pass(1100)
    assert.deepEqual(controller.trace.staged, [])
  })

  it('does not cut a commit in two that was under way before it', () => {
    const controller = bench()
    controller.ask('stage', controller.stageRequest({ deadlineMs: controller.nowMs + 100 }))
    const commit = controller.say('commit', { resource: AIM, fence: 7 })
    controller.pass(150)
    assert.ok(controller.firmware.writing)
    assert.equal(controller.reply(commit).type, 0x85)
    assert.equal(controller.trace.fences.aim, 7)
  })
})
