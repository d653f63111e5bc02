import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AIM, bench, SAFETY } from '../../support/firmware-bench.ts'

describe('rule 10: floor', () => {
  it('only grows, and answers the one in force', () => {
    const controller = bench()
    assert.equal(controller.ask('floor', { resource: AIM, floor: 50 }).floor, 50)
    assert.equal(controller.ask('floor', { resource: AIM, floor: 40 }).floor, 50)
    controller.hello()
    assert.equal(controller.ask('floor', { resource: AIM, floor: 0 }).floor, 50)
    assert.deepEqual(controller.trace.floors, { aim: 50, safety: 0 })
  })

  it('discards a staged set with a fence below it, and no other', () => {
    const controller = bench()
    controller.ask('stage', controller.stageRequest({ fence: 7 }))
    controller.ask('floor', { resource: SAFETY, floor: 100 })
    controller.ask('floor', { resource: AIM, floor: 7 })
    assert.deepEqual(controller.trace.staged, ['aim'])
    controller.ask('floor', { resource: AIM, floor: 8 })
    assert.deepEqual(controller.trace.staged, [])
    assert.equal(controller.refusal('commit', { resource: AIM, fence: 7 }), 'old-fence')
  })

  it('lives in memory: a reset forgets it', () => {
    const controller = bench()
    controller.ask('floor', { resource: AIM, floor: 50 })
    assert.equal(controller.afterReset().trace.floors.aim, 0)
  })

  it('is refused for no resource, and for no fence', () => {
    const controller = bench()
    assert.equal(controller.refusal('floor', { resource: 2, floor: 1 }), 'bad-resource')
    const payload = new Uint8Array(9).fill(0xff, 1)
    assert.equal(controller.refusal('floor', { resource: AIM, floor: 1 }, { payload }), 'bad-request')
  })
})

describe('discard', () => {
  it('forgets what is staged of just that resource', () => {
    const controller = bench()
    controller.ask('stage', controller.stageRequest())
    controller.ask('discard', { resource: SAFETY })
    assert.deepEqual(controller.trace.staged, ['aim'])
    controller.ask('discard', { resource: AIM })
    controller.ask('discard', { resource: AIM })
    assert.equal(controller.refusal('commit', { resource: AIM, fence: 7 }), 'not-staged')
    assert.equal(controller.refusal('discard', { resource: 2 }), 'bad-resource')
  })
})

describe('rule 11: host silence', () => {
  it('with stop sets the latch under a new pause id', () => {
    const controller = bench({ silenceMs: 500, onSilence: 'stop' })
    const { pauseId } = controller.trace
    controller.resume()
    controller.pass(490)
    assert.ok(!controller.trace.paused)
    controller.pass(20)
    const { paused, hostSilent, why } = controller.trace
    assert.deepEqual({ paused, hostSilent, why }, { paused: true, hostSilent: true, why: 3 })
    assert.notEqual(controller.trace.pauseId, pauseId)
    controller.until(() => !controller.trace.moving)
    assert.equal(controller.refusal('resume', { pauseId }), 'old-pause')
  })

  it('with continue only warns', () => {
    const controller = bench({ silenceMs: 500, onSilence: 'continue' })
    controller.resume()
    controller.pass(600)
    assert.ok(controller.trace.hostSilent)
    assert.ok(!controller.trace.paused)
  })

  it('ends with the next frame of the present link, but the latch stays', () => {
    const controller = bench({ silenceMs: 500, onSilence: 'stop' })
    controller.resume()
    controller.pass(2000)
    controller.refusal('status', {}, { link: 1 })
    assert.ok(controller.trace.hostSilent)
    controller.ask('status', {})
    assert.ok(!controller.trace.hostSilent)
    assert.ok(controller.trace.paused)
    controller.pass(300)
    assert.ok(controller.trace.paused)
  })

  it('is broken by accepted and refused frames alike, and never by an old link', () => {
    const controller = bench({ silenceMs: 500, onSilence: 'stop' })
    controller.resume()
    const { pauseId } = controller.trace
    for (let round = 0; round < 5; round += 1) {
      controller.pass(400)
      controller.refusal('resume', { pauseId: pauseId + 1 })
    }
    assert.ok(!controller.trace.paused)
    for (let round = 0; round < 2; round += 1) {
      controller.pass(250)
      controller.refusal('status', {}, { link: 1 })
    }
    assert.ok(controller.trace.paused)
  })

  it('never comes with silenceMs 0, nor before the first hello, nor starts motion', () => {
    const controller = bench()
    controller.resume()
    controller.pass(120_000)
    assert.ok(!controller.trace.hostSilent)
    const other = bench({ silenceMs: 100, onSilence: 'continue' })
    other.pass(10_000)
    assert.ok(other.trace.hostSilent)
    assert.ok(other.trace.paused)
  })
})
