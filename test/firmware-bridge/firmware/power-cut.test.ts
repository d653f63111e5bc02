import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { crc16 } from '../../../firmware-bridge/link/crc16.ts'
import { AIM, bench, FirmwareBench, valuesOf } from '../../support/firmware-bench.ts'

const OLD = { version: 3, values: valuesOf(AIM, [0.65, 0.4, 45]) }
const NEW = { version: 4, values: valuesOf(AIM, [0.2, 1, 20]) }

/** Where the first resource's part of the EEPROM begins, and the size of a resource's part: storage.h. */
const RESOURCES_AT = 24
const RESOURCE_BYTES = 92

/** What a change is made on: nothing yet, a verified set, or one with a commit before it that was rolled back. */
const STARTS = {
  'factory values': () => bench(),
  'a verified set': () => {
    const controller = bench()
    controller.change({ fence: 7, ...OLD })
    controller.ask('confirm', { resource: AIM, fence: 7 })
    return controller
  },
  'a set that came back by roll-back': () => {
    const controller = STARTS['a verified set']()
    controller.change({ fence: 8, version: 9, values: valuesOf(AIM, [0.9, 9, 90]) })
    controller.ask('rollback', { resource: AIM, fence: 8 })
    return controller
  }
} as const

function inForce(controller: FirmwareBench) {
  const { values, version, fence, unverified } = controller.ask('read', { resource: AIM })
  return { values, version, fence, unverified }
}

/** The EEPROM after every single byte that `act` makes the controller write, its first and last state included. */
function cutsOf(controller: FirmwareBench, act: () => void): Uint8Array[] {
  const cuts = [controller.firmware.eeprom.slice()]
  act()
  while (controller.firmware.writing) {
    controller.step()
    cuts.push(controller.firmware.eeprom.slice())
  }
  assert.ok(cuts.length > 3)
  return cuts
}

/** Where slots begin that hold the sets above, under the fences that they have here. */
function slotsOf(eeprom: Uint8Array): number[] {
  return [...eeprom.keys()].filter((at) => [7, 9].includes(eeprom[at]!) && [3, 4].includes(eeprom[at + 8]!))
}

/** A byte that was being programmed when the power went may read as anything. */
function withTornBytes(cuts: readonly Uint8Array[]): Uint8Array[] {
  return cuts.flatMap((cut, index) => {
    const before = cuts[index - 1]
    const at = before === undefined ? -1 : cut.findIndex((byte, place) => byte !== before[place])
    if (at < 0) return [cut]
    return [cut, ...[0xff, 0x00, 0x5b].map((torn) => cut.with(at, torn))]
  })
}

/** An EEPROM whose only content is a boot count, in the first of its two copies. */
function withBootCount(count: number): Uint8Array {
  const eeprom = new Uint8Array(256).fill(0xff)
  const view = new DataView(eeprom.buffer)
  view.setUint16(16, count, true)
  view.setUint16(18, crc16(eeprom.subarray(16, 18)), true)
  return eeprom
}

function started(eeprom: Uint8Array): FirmwareBench {
  const controller = new FirmwareBench(eeprom)
  controller.boot()
  controller.hello()
  return controller
}

describe('a power cut', () => {
  for (const [name, start] of Object.entries(STARTS)) {
    it(`at any byte of a commit on ${name} leaves the old or the new set whole`, () => {
      const controller = start()
      const old = inForce(controller)
      controller.ask('stage', controller.stageRequest({ fence: 9, ...NEW }))
      const cuts = cutsOf(controller, () => controller.say('commit', { resource: AIM, fence: 9 }))
      const after = { ...NEW, fence: 9, unverified: true }
      const outcomes = withTornBytes(cuts).map((cut) => {
        const next = started(cut)
        const found = inForce(next)
        const isNew = found.version === NEW.version
        assert.deepEqual(found, isNew ? after : old)
        assert.ok(!next.trace.storageFault)
        if (isNew) assert.equal(next.refusal('resume', { pauseId: next.trace.pauseId }), 'unverified')
        assert.equal(next.change({ fence: 9, ...NEW }).already, isNew)
        assert.equal(next.refusal('stage', next.stageRequest({ fence: 8 })), 'old-fence')
        return isNew
      })
      assert.ok(outcomes.includes(true) && outcomes.includes(false))
    })
  }

  it('cannot meet a slot that is half written and looks whole: it is emptied first and named last', () => {
    const controller = STARTS['a set that came back by roll-back']()
    controller.ask('stage', controller.stageRequest({ fence: 9, ...NEW }))
    const cuts = cutsOf(controller, () => controller.say('commit', { resource: AIM, fence: 9 }))
    const changes = cuts.slice(1).map((cut, index) => cut.findIndex((byte, at) => byte !== cuts[index]![at]))
    const written = changes.filter((at) => at >= 0)
    assert.equal(written[0], written.at(-1))
    assert.equal(cuts[changes.indexOf(written[0]!) + 1]![written[0]!], 0xff)
  })

  it('in mid-confirmation, and then the loss of both slots, does not lower the high-water', () => {
    const controller = STARTS['a verified set']()
    controller.change({ fence: 9, ...NEW })
    const { eeprom } = controller.firmware
    const slots = slotsOf(eeprom)
    const cuts = cutsOf(controller, () => controller.say('confirm', { resource: AIM, fence: 9 }))
    for (const cut of withTornBytes(cuts)) {
      const next = started(slots.reduce((bytes, at) => bytes.with(at + 14, 0x11), cut))
      assert.equal(next.trace.versions.aim, 0)
      assert.equal(next.refusal('stage', next.stageRequest({ fence: 6 })), 'old-fence')
    }
  })

  it('at any byte of a confirmation leaves the commit unverified or verified, and a repeat completes it', () => {
    const controller = STARTS['a verified set']()
    controller.change({ fence: 9, ...NEW })
    const cuts = cutsOf(controller, () => controller.say('confirm', { resource: AIM, fence: 9 }))
    for (const cut of withTornBytes(cuts)) {
      const next = started(cut)
      assert.deepEqual({ ...inForce(next), unverified: 0 }, { ...NEW, fence: 9, unverified: 0 })
      next.ask('confirm', { resource: AIM, fence: 9 })
      next.resume()
    }
  })

  it('at any byte of a roll-back leaves the commit or its predecessor, and a repeat completes it', () => {
    const controller = STARTS['a verified set']()
    controller.change({ fence: 9, ...NEW })
    const cuts = cutsOf(controller, () => controller.say('rollback', { resource: AIM, fence: 9 }))
    for (const cut of withTornBytes(cuts)) {
      const next = started(cut)
      const found = inForce(next)
      assert.deepEqual(
        found,
        found.unverified ? { ...NEW, fence: 9, unverified: true } : { ...OLD, fence: 9, unverified: false }
      )
      next.ask('rollback', { resource: AIM, fence: 9 })
      assert.deepEqual(inForce(next), { ...OLD, fence: 9, unverified: false })
      assert.equal(next.refusal('stage', next.stageRequest({ fence: 9 })), 'spent-fence')
      next.resume()
    }
  })

  it('at any byte of a start never lets a boot count come twice, once it was told', () => {
    const eeprom = bench().firmware.eeprom.slice()
    const told = new Set([1])
    const controller = new FirmwareBench(eeprom)
    const cuts = cutsOf(controller, () => controller.step())
    for (const cut of withTornBytes(cuts)) {
      const next = started(cut)
      assert.ok(!told.has(next.trace.bootCount))
      assert.ok(next.trace.bootCount <= 3)
    }
  })
})

describe('rule 12: reset', () => {
  it('discards stages, floors and the link; the latch, and what is unverified, hold', () => {
    const controller = bench()
    controller.change({ fence: 7 })
    controller.ask('floor', { resource: AIM, floor: 50 })
    controller.ask('stage', {
      ...controller.stageRequest({ resource: 1, fence: 8, values: valuesOf(1, [1, 1, 1, 1, 1]) })
    })
    const old = controller.link
    const next = controller.afterReset()
    const { staged, floors, unverified, paused } = next.trace
    assert.deepEqual(
      { staged, floors, unverified, paused },
      { staged: [], floors: { aim: 0, safety: 0 }, unverified: ['aim'], paused: true }
    )
    assert.equal(next.refusal('status', {}, { link: old }), 'old-link')
  })

  it('grows the boot count each time, past its end and never through 0', () => {
    let controller = started(withBootCount(65_533))
    for (const expected of [65_534, 65_535, 1, 2, 3]) {
      assert.equal(controller.trace.bootCount, expected)
      controller = controller.afterReset()
    }
  })

  it('with one bad slot uses the other, with none whole the factory values, and says so', () => {
    const controller = STARTS['a verified set']()
    controller.change({ fence: 9, ...NEW })
    controller.ask('confirm', { resource: AIM, fence: 9 })
    const { eeprom } = controller.firmware
    const slots = slotsOf(eeprom)
    const newer = slots.find((at) => eeprom[at] === 9)!
    const one = started(eeprom.with(newer + 14, 0x11))
    assert.equal(one.trace.versions.aim, 3)
    assert.ok(!one.trace.storageFault)
    const none = started(slots.reduce((bytes, at) => bytes.with(at + 14, 0x11), eeprom))
    assert.equal(none.trace.versions.aim, 0)
    assert.ok(none.trace.storageFault)
    none.resume()
    none.stand()
    assert.equal(none.refusal('stage', none.stageRequest({ fence: 8 })), 'old-fence')
    assert.equal(none.change({ fence: 10 }).already, false)
  })

  it('says so when the only slot of a verified set has gone bad, or both copies of the boot count', () => {
    const { eeprom } = STARTS['a verified set']().firmware
    const rotten = started(eeprom.with(slotsOf(eeprom)[0]! + 14, 0x11))
    assert.ok(rotten.trace.storageFault)
    assert.equal(rotten.trace.versions.aim, 0)
    const counts = new Uint8Array(256).fill(0xff).fill(0x11, 16, 24)
    assert.ok(started(counts).trace.storageFault)
    assert.ok(!started(new Uint8Array(256).fill(0xff)).trace.storageFault)
  })

  it('does not take a slot for one of another resource', () => {
    const { eeprom } = STARTS['a verified set']().firmware
    const moved = eeprom.slice()
    moved.copyWithin(RESOURCE_BYTES + RESOURCES_AT, RESOURCES_AT, RESOURCES_AT + RESOURCE_BYTES)
    const controller = started(moved)
    assert.deepEqual(controller.trace.versions, { aim: 3, safety: 0 })
  })

  it('starts on an EEPROM that holds anything at all', () => {
    for (const filler of [0x00, 0x55, 0xa5, 0x5a, 0x01]) {
      const controller = started(new Uint8Array(256).fill(filler))
      assert.deepEqual(controller.trace.params['aim.sensitivity'], 0.5)
      assert.ok(controller.trace.paused && controller.trace.storageFault)
      controller.change()
    }
  })

  it('whose boot count cannot be stored does not resume', () => {
    const controller = new FirmwareBench()
    while (controller.firmware.writing) {
      controller.step()
      controller.firmware.eeprom.fill(0x77)
    }
    controller.hello()
    assert.equal(controller.refusal('resume', { pauseId: controller.trace.pauseId }), 'storage')
  })
})
