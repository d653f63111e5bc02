import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AIM, bench, FirmwareBench } from '../../support/firmware-bench.ts'

describe('rule 1: pause', () => {
  it('latches, and proves standstill by a status once the axis has come to rest', () => {
    const controller = bench()
    controller.resume()
    controller.pass(1000)
    assert.equal(controller.trace.motion, 'moving')
    assert.equal(controller.ask('pause', { why: 'lock' }).motion, 'decelerating')
    controller.until(() => controller.trace.motion === 'standstill')
    const rest = controller.trace.position
    controller.pass(5000)
    assert.equal(controller.trace.position, rest)
    assert.equal(controller.unasked.at(-1)?.payload[9], 0)
  })

  it('is obeyed under any link, and before any hello', () => {
    const controller = bench()
    controller.resume()
    controller.ask('pause', { why: 'lock' }, { link: 99 })
    assert.ok(controller.trace.paused)
    const fresh = new FirmwareBench()
    fresh.boot()
    fresh.ask('pause', { why: 'operator' })
    assert.equal(fresh.trace.why, 4)
  })

  it('is obeyed whatever the length of its payload', () => {
    const controller = bench()
    controller.resume()
    controller.reply(controller.say('pause', { why: 'lock' }, { payload: new Uint8Array(0) }))
    assert.ok(controller.trace.paused)
    assert.equal(controller.trace.why, 5)
  })

  it('is answered at once while a commit is being stored', () => {
    const controller = bench()
    controller.ask('stage', controller.stageRequest())
    controller.say('commit', { resource: AIM, fence: 7 })
    controller.step()
    assert.ok(controller.firmware.writing)
    controller.answers.length = 0
    controller.say('pause', { why: 'operator' })
    assert.deepEqual(
      controller.answers.map((frame) => frame.type),
      [0x82]
    )
    assert.ok(controller.firmware.writing)
    controller.until(() => controller.answers.some((frame) => frame.type === 0x85))
  })

  it('draws a new id every time, so that an older resume cannot undo it', () => {
    const controller = bench()
    const older = controller.ask('pause', { why: 'lock' }).pauseId
    const newer = controller.ask('pause', { why: 'config' }).pauseId
    assert.ok(newer > older)
    assert.equal(controller.refusal('resume', { pauseId: older }), 'old-pause')
    assert.ok(controller.trace.paused)
  })
})

describe('rule 2: power-up', () => {
  it('is paused, with a pause id of its own, and stays so for ever when nobody resumes it', () => {
    const controller = new FirmwareBench()
    controller.boot()
    const { paused, why, pauseId, booted } = controller.trace
    assert.deepEqual({ paused, why, pauseId, booted }, { paused: true, why: 5, pauseId: 65537, booted: true })
    controller.pass(60_000)
    assert.equal(controller.trace.position, 0)
  })

  it('sends and answers nothing before its boot count is durable', () => {
    const controller = new FirmwareBench()
    controller.say('hello', { hostNonce: 1, silenceMs: 0, onSilence: 'stop' })
    while (controller.firmware.writing) {
      assert.equal(controller.answers.length + controller.unasked.length, 0)
      controller.step()
    }
    assert.equal(controller.unasked.length, 1)
    assert.equal(controller.answers.length, 0)
  })
})

describe('rule 3: resume', () => {
  it('starts motion with the present link and the present pause id', () => {
    const controller = bench()
    controller.resume()
    controller.pass(1000)
    assert.ok(!controller.trace.paused)
    assert.notEqual(controller.trace.position, 0)
  })

  it('is refused under an older link', () => {
    const controller = bench()
    const old = controller.link
    controller.hello()
    const { pauseId } = controller.trace
    assert.equal(controller.refusal('resume', { pauseId }, { link: old }), 'old-link')
    assert.equal(controller.refusal('resume', { pauseId }, { link: 0 }), 'old-link')
    assert.ok(controller.trace.paused)
  })

  it('is refused with an id of an earlier life', () => {
    const first = bench()
    const { pauseId } = first.trace
    const second = first.afterReset()
    assert.equal(second.refusal('resume', { pauseId }), 'old-pause')
  })

  it('is refused while the axis still decelerates', () => {
    const controller = bench()
    controller.resume()
    controller.pass(1000)
    const { pauseId } = controller.ask('pause', { why: 'lock' })
    assert.equal(controller.refusal('resume', { pauseId }), 'not-standing')
    controller.until(() => !controller.trace.moving)
    controller.ask('resume', { pauseId })
  })

  it('is refused while a resource is unverified, also after a reset', () => {
    const controller = bench()
    controller.change()
    assert.equal(controller.refusal('resume', { pauseId: controller.trace.pauseId }), 'unverified')
    const next = controller.afterReset()
    assert.equal(next.refusal('resume', { pauseId: next.trace.pauseId }), 'unverified')
    next.ask('confirm', { resource: AIM, fence: 7 })
    next.resume()
  })

  it('discards what is staged', () => {
    const controller = bench()
    controller.ask('stage', controller.stageRequest())
    controller.resume()
    controller.stand()
    assert.equal(controller.refusal('commit', { resource: AIM, fence: 7 }), 'not-staged')
  })

  it('when not paused is answered for the last id only, and changes nothing', () => {
    const controller = bench()
    const { pauseId } = controller.trace
    controller.ask('resume', { pauseId })
    controller.ask('resume', { pauseId })
    assert.equal(controller.refusal('resume', { pauseId: pauseId - 1 }), 'old-pause')
    assert.ok(!controller.trace.paused)
  })
})
