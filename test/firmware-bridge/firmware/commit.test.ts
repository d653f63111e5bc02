import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  AIM,
  bench,
  type FirmwareBench,
  SAFETY,
  SHARP,
  valuesOf,
  WIDE
} from '../../support/firmware-bench.ts'

const SOFT = valuesOf(AIM, [0.2, 1, 20])

function confirmed(controller: FirmwareBench, fence: number): void {
  controller.change({ fence })
  controller.ask('confirm', { resource: AIM, fence })
}

describe('rule 6: commit', () => {
  it('answers when the set is durable, and not before', () => {
    const controller = bench()
    controller.ask('stage', controller.stageRequest())
    const commit = controller.say('commit', { resource: AIM, fence: 7 })
    while (controller.firmware.writing) {
      assert.ok(!controller.answers.some((frame) => frame.seq === commit.seq))
      controller.step()
    }
    assert.equal(controller.reply(commit).type, 0x85)
    const { values, version, fence } = controller.afterReset().ask('read', { resource: AIM })
    assert.deepEqual({ values, version, fence }, { values: SHARP, version: 3, fence: 7 })
  })

  it('takes just the fence that was staged', () => {
    const controller = bench()
    controller.ask('stage', controller.stageRequest({ fence: 7 }))
    assert.equal(controller.refusal('commit', { resource: AIM, fence: 8 }), 'not-staged')
    assert.equal(controller.refusal('commit', { resource: SAFETY, fence: 7 }), 'not-staged')
    assert.equal(controller.refusal('commit', { resource: 2, fence: 7 }), 'bad-resource')
    assert.equal(controller.ask('commit', { resource: AIM, fence: 7 }).already, false)
  })

  it('is refused without anything staged, under an old fence, and unless paused and standing', () => {
    const controller = bench()
    assert.equal(controller.refusal('commit', { resource: AIM, fence: 7 }), 'not-staged')
    confirmed(controller, 7)
    assert.equal(controller.refusal('commit', { resource: AIM, fence: 6 }), 'old-fence')
    controller.resume()
    controller.pass(1000)
    assert.equal(controller.refusal('commit', { resource: AIM, fence: 8 }), 'not-paused')
    controller.ask('pause', { why: 'config' })
    assert.equal(controller.refusal('commit', { resource: AIM, fence: 8 }), 'not-standing')
  })

  it('of the fence in force is answered already, and writes nothing', () => {
    const controller = bench()
    controller.change({ fence: 7 })
    const before = controller.firmware.eeprom.slice()
    assert.equal(controller.ask('commit', { resource: AIM, fence: 7 }).already, true)
    assert.deepEqual(controller.firmware.eeprom, before)
    assert.equal(controller.afterReset().ask('commit', { resource: AIM, fence: 7 }).already, true)
  })

  it('drops what else would touch storage meanwhile, and answers its repeat', () => {
    const controller = bench()
    controller.ask('stage', controller.stageRequest())
    controller.say('commit', { resource: AIM, fence: 7 })
    controller.step()
    controller.answers.length = 0
    controller.say('read', { resource: AIM })
    controller.say('resume', { pauseId: controller.trace.pauseId })
    controller.say('floor', { resource: AIM, floor: 100 })
    assert.equal(controller.answers.length, 0)
    controller.until(() => !controller.firmware.writing)
    assert.equal(controller.ask('read', { resource: AIM }).fence, 7)
  })

  it('is completed but not answered when a new link is made meanwhile', () => {
    const controller = bench()
    controller.ask('stage', controller.stageRequest())
    const commit = controller.say('commit', { resource: AIM, fence: 7 })
    controller.step()
    controller.hello()
    controller.until(() => !controller.firmware.writing)
    assert.ok(!controller.answers.some((frame) => frame.seq === commit.seq && frame.type === 0x85))
    assert.equal(controller.ask('commit', { resource: AIM, fence: 7 }).already, true)
  })

  it('is refused storage when a byte does not take, and then nothing has changed', () => {
    const controller = bench()
    controller.ask('stage', controller.stageRequest())
    const commit = controller.say('commit', { resource: AIM, fence: 7 })
    controller.step()
    for (let polls = 0; polls < 50; polls += 1) {
      controller.firmware.eeprom.fill(0, 64)
      controller.step()
    }
    assert.equal(controller.reply(commit).payload[1], 15)
    assert.ok(controller.trace.storageFault)
    assert.equal(controller.trace.params['aim.sensitivity'], 0.5)
  })

  it('keeps resources apart: each has its own fence', () => {
    const controller = bench()
    controller.change({ fence: 70 })
    controller.change({ resource: SAFETY, fence: 8, values: WIDE, version: 5 })
    assert.deepEqual(controller.trace.fences, { aim: 70, safety: 8 })
    assert.deepEqual(controller.trace.versions, { aim: 3, safety: 5 })
    assert.deepEqual(controller.trace.unverified, ['aim', 'safety'])
  })

  it('takes the largest fence that there is', () => {
    const controller = bench()
    confirmed(controller, 2 ** 53 - 1)
    assert.equal(controller.afterReset().ask('read', { resource: AIM }).fence, 2 ** 53 - 1)
  })

  it('works three hundred times in a row: generations wrap', () => {
    const controller = bench()
    for (let fence = 1; fence <= 300; fence += 1) confirmed(controller, fence)
    assert.equal(controller.afterReset().ask('read', { resource: AIM }).fence, 300)
  })
})

describe('rule 7: read', () => {
  it('tells factory values, fence 0 and version 0 before the first commit', () => {
    const read = bench().ask('read', { resource: SAFETY })
    assert.deepEqual(read.values, valuesOf(SAFETY, [250, 80, 400, 120, 60]))
    const { fence, floor, version, neverCommitted, unverified } = read
    assert.deepEqual(
      { fence, floor, version, neverCommitted, unverified },
      { fence: 0, floor: 0, version: 0, neverCommitted: true, unverified: false }
    )
  })

  it('answers from storage, not from memory: a slot gone bad is noticed', () => {
    const controller = bench()
    controller.change()
    const at = controller.firmware.eeprom.findIndex((_, index) => isSlot(controller.firmware.eeprom, index))
    controller.firmware.eeprom[at + 12]! ^= 1
    assert.equal(controller.refusal('read', { resource: AIM }), 'storage')
    assert.ok(controller.trace.storageFault)
  })

  it('does not tell what is staged', () => {
    const controller = bench()
    controller.ask('stage', controller.stageRequest())
    assert.equal(controller.ask('read', { resource: AIM }).version, 0)
  })

  it('is refused for a resource that does not exist', () => {
    assert.equal(bench().refusal('read', { resource: 2 }), 'bad-resource')
  })
})

/** A slot that begins with fence 7, version 3. */
function isSlot(eeprom: Uint8Array, at: number): boolean {
  return eeprom[at] === 7 && eeprom[at + 1] === 0 && eeprom[at + 8] === 3
}

describe('rule 8: confirm', () => {
  it('marks the commit as verified, durably; a repeat is already', () => {
    const controller = bench()
    controller.change()
    assert.ok(controller.ask('read', { resource: AIM }).unverified)
    assert.equal(controller.ask('confirm', { resource: AIM, fence: 7 }).already, false)
    assert.equal(controller.ask('confirm', { resource: AIM, fence: 7 }).already, true)
    const next = controller.afterReset()
    assert.deepEqual(next.trace.unverified, [])
    assert.equal(next.ask('confirm', { resource: AIM, fence: 7 }).already, true)
  })

  it('takes just the high-water, and no commit that was rolled back', () => {
    const controller = bench()
    controller.change()
    assert.equal(controller.refusal('confirm', { resource: AIM, fence: 6 }), 'old-fence')
    assert.equal(controller.refusal('confirm', { resource: AIM, fence: 8 }), 'not-staged')
    assert.equal(controller.refusal('confirm', { resource: 2, fence: 7 }), 'bad-resource')
    controller.ask('rollback', { resource: AIM, fence: 7 })
    assert.equal(controller.refusal('confirm', { resource: AIM, fence: 7 }), 'spent-fence')
  })
})

describe('rule 9: roll-back', () => {
  it('puts the predecessor in force again, verified and durably; the high-water stays', () => {
    const controller = bench()
    confirmed(controller, 7)
    controller.change({ fence: 9, version: 4, values: SOFT })
    const back = controller.ask('rollback', { resource: AIM, fence: 9 })
    assert.deepEqual(back, { already: false, fence: 7, version: 3 })
    for (const one of [controller, controller.afterReset()]) {
      const { values, version, fence, unverified } = one.ask('read', { resource: AIM })
      assert.deepEqual(
        { values, version, fence, unverified },
        { values: SHARP, version: 3, fence: 9, unverified: false }
      )
      assert.equal(one.refusal('stage', one.stageRequest({ fence: 8 })), 'old-fence')
      one.resume()
    }
  })

  it('of the first commit puts the factory values in force', () => {
    const controller = bench()
    controller.change()
    assert.deepEqual(controller.ask('rollback', { resource: AIM, fence: 7 }), {
      already: false,
      fence: 0,
      version: 0
    })
    const read = controller.ask('read', { resource: AIM })
    assert.ok(read.neverCommitted)
    assert.deepEqual(read.values, valuesOf(AIM, [0.5, 0.5, 30]))
  })

  it('of a second first commit does not bring the first one back', () => {
    const controller = bench()
    for (const fence of [7, 8]) {
      controller.change({ fence, values: SOFT })
      controller.ask('rollback', { resource: AIM, fence })
    }
    for (const one of [controller, controller.afterReset()]) {
      assert.equal(one.ask('read', { resource: AIM }).version, 0)
      assert.equal(one.trace.params['aim.sensitivity'], 0.5)
    }
  })

  it('is answered already when that fence was rolled back before, also after a reset', () => {
    const controller = bench()
    confirmed(controller, 7)
    controller.change({ fence: 9, version: 4 })
    controller.ask('rollback', { resource: AIM, fence: 9 })
    const again = { already: true, fence: 7, version: 3 }
    assert.deepEqual(controller.ask('rollback', { resource: AIM, fence: 9 }), again)
    assert.deepEqual(controller.afterReset().ask('rollback', { resource: AIM, fence: 9 }), again)
  })

  it('is refused for a verified commit, and for any other fence', () => {
    const controller = bench()
    confirmed(controller, 7)
    assert.equal(controller.refusal('rollback', { resource: AIM, fence: 7 }), 'verified')
    assert.equal(controller.refusal('rollback', { resource: AIM, fence: 6 }), 'old-fence')
    assert.equal(controller.refusal('rollback', { resource: AIM, fence: 8 }), 'not-staged')
  })

  it('needs no floor: it works after the lock of its commit has ended', () => {
    const controller = bench()
    controller.change()
    controller.ask('floor', { resource: AIM, floor: 8 })
    assert.equal(controller.ask('rollback', { resource: AIM, fence: 7 }).already, false)
  })

  it('makes room for the next commit, again and again', () => {
    const controller = bench()
    confirmed(controller, 1)
    for (let fence = 2; fence < 12; fence += 1) {
      controller.change({ fence, values: SOFT, version: fence })
      controller.ask('rollback', { resource: AIM, fence })
      assert.equal(controller.refusal('commit', { resource: AIM, fence }), 'spent-fence')
    }
    const next = controller.afterReset()
    assert.equal(next.trace.fences.aim, 11)
    assert.equal(next.trace.params['aim.sensitivity'], 0.65)
  })

  it('is refused storage when its predecessor has gone bad', () => {
    const controller = bench()
    confirmed(controller, 7)
    controller.change({ fence: 9, version: 4 })
    const { eeprom } = controller.firmware
    const at = eeprom.findIndex((_, index) => isSlot(eeprom, index))
    eeprom[at + 12]! ^= 1
    const next = controller.afterReset()
    assert.ok(!next.ask('read', { resource: AIM }).predecessorKept)
    assert.equal(next.refusal('rollback', { resource: AIM, fence: 9 }), 'storage')
    next.ask('confirm', { resource: AIM, fence: 9 })
  })
})
