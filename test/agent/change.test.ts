import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Controller, Stored } from '../../firmware-bridge/drivers/controller.ts'
import { digestOf } from '../../src/agent/index.ts'
import { STEPS, type Step } from '../../src/rules/change.ts'
import { aim, changed, DeviceWorld, TTL_MS } from '../support/device-world.ts'

async function withVersion16(boards = 1): Promise<DeviceWorld> {
  const world = new DeviceWorld({ boards })
  await world.running()
  assert.equal((await world.pushed(aim(16, 0.5))).outcome, 'applied')
  await world.until('motion again', () => world.boards.every((board) => board.trace().moving))
  return world
}

/** The device is as it was before the push that failed, and moves; its lock is free. */
async function asBefore(world: DeviceWorld): Promise<void> {
  await world.until('motion again', () => world.boards.every((board) => board.trace().moving))
  assert.deepEqual(
    world.inForce,
    world.boards.map(() => '16, 0.50')
  )
  assert.equal(world.fileVersion, 16)
  await world.until('the lock to be free', () => {
    const record = world.broker.retained.get(world.topics.lock('plant-2/line-4/arm-7:aim')) ?? ''
    return JSON.parse(record).state === 'free'
  })
}

test('an update is applied on a device that stands, is proved, and the device moves again', async () => {
  const world = await withVersion16()
  const push = await world.push(aim(17, 0.65))
  await world.until('standstill', () => !world.board.trace().moving)
  assert.deepEqual(await world.outcomeOf(push), { outcome: 'applied', code: null, detail: '', version: 17 })
  await world.until('motion', () => world.board.trace().moving)
  assert.deepEqual(world.inForce, ['17, 0.65'])
})

test('an update that arrives in one packet with the contact is not left lying', async () => {
  const world = await withVersion16()
  world.kill()
  const push = await world.push(aim(17))
  world.start({ bunched: true })
  assert.equal((await world.outcomeOf(push)).outcome, 'applied')
})

test('the file begins with who touched it last, keeps the bytes as pushed, and has its predecessor beside it', async () => {
  const world = await withVersion16()
  await world.pushed(aim(17))
  const file = world.file('aim') ?? ''
  assert.match(file, /^# last touched by operator at 2026-11-24T03:12:\d\dZ, version 17, fence 2\n/)
  assert.equal(file.slice(file.indexOf('\n') + 1), aim(17))
  assert.match(world.file('aim.previous') ?? '', /^# last touched by operator at .*, version 16, fence 1\n/)
  await world.until('the state', () => world.state.configs.aim?.verified)
  assert.deepEqual(world.state.configs.aim, {
    version: 17,
    digest: digestOf(aim(17)),
    fence: 2,
    verified: true
  })
})

test('every controller of a device gets the document', async () => {
  const world = await withVersion16(2)
  assert.equal((await world.pushed(aim(17, 0.65))).outcome, 'applied')
  assert.deepEqual(world.inForce, ['17, 0.65', '17, 0.65'])
})

test('the same version with the same bytes is applied already, without touching anything', async () => {
  const world = await withVersion16()
  const { detail, ...outcome } = await world.pushed(aim(16, 0.5))
  assert.deepEqual(outcome, { outcome: 'applied', code: null, version: 16 })
  assert.match(detail, /already/)
  assert.equal(world.board.trace().fences.aim, 1)
})

const refused: readonly { what: string; document: string; code: string; words: RegExp; resource?: string }[] =
  [
    {
      what: 'does not parse',
      document: 'resource = = "aim"\nversion = 17',
      code: 'LK-3004',
      words: /line 1, column/
    },
    {
      what: 'breaks its schema',
      document: aim(17).replace('0.65', '"much"'),
      code: 'LK-3005',
      words: /sensitivity/
    },
    {
      what: 'lacks a value',
      document: aim(17).replace(/deadband.*\n/, ''),
      code: 'LK-3005',
      words: /deadband_deg/
    },
    {
      what: 'has a value that does not exist',
      document: `${aim(17)}zoom = 1\n`,
      code: 'LK-3005',
      words: /zoom/
    },
    { what: 'leaves the range', document: aim(17, 1.5), code: 'LK-3005', words: /sensitivity/ },
    {
      what: 'goes back in version',
      document: aim(15),
      code: 'LK-3006',
      words: /version 15 is not above version 16/
    },
    {
      what: 'changes a version that is in force',
      document: aim(16, 0.6),
      code: 'LK-3006',
      words: /version 16/
    },
    {
      what: 'is of another resource than was said',
      document: aim(17),
      code: 'LK-3009',
      words: /aim/,
      resource: 'safety'
    },
    {
      what: 'names an unknown resource',
      document: aim(17).replace('"aim"', '"colour"'),
      code: 'LK-3007',
      words: /colour/,
      resource: 'colour'
    }
  ]

for (const { what, document, code, words, resource } of refused) {
  test(`a document that ${what} is refused with ${code} and a sentence, and nothing is touched`, async () => {
    const world = await withVersion16()
    const { trace } = world.board
    const before = { file: world.file('aim'), pauseId: world.board.trace().pauseId, trace }
    const outcome = await world.pushed(document, resource === undefined ? {} : { resource })
    assert.deepEqual([outcome.outcome, outcome.code], ['refused', code])
    assert.match(outcome.detail, words)
    assert.equal(world.logged('update-refused')?.code, code)
    assert.equal(world.file('aim'), before.file)
    assert.equal(world.board.trace().pauseId, before.pauseId)
    await asBefore(world)
  })
}

test('a document whose digest is another is refused', async () => {
  const world = await withVersion16()
  assert.equal((await world.pushed(aim(17), { digest: digestOf(aim(18)) })).code, 'LK-3009')
  await asBefore(world)
})

test('a message that is no update is refused under the push that it names', async () => {
  const world = await withVersion16()
  const topic = world.topics.update('arm-7', 'aim')
  world.broker.publish(topic, 'not JSON')
  assert.equal((await world.outcomeOf('unknown')).code, 'LK-2006')
  world.broker.publish(topic, JSON.stringify({ push: 'p-7', resource: 'aim', version: 'seventeen' }))
  const outcome = await world.outcomeOf('p-7')
  assert.deepEqual([outcome.outcome, outcome.code], ['refused', 'LK-2006'])
  assert.match(outcome.detail, /version/)
  world.broker.publish(topic, `{"push":"p-8","document":"${'x'.repeat(400_000)}"}`)
  await world.until('a word about the size', () =>
    /400030 bytes|at most/.test(world.outcome('unknown')?.detail ?? '')
  )
  await asBefore(world)
})

/** The process is stopped just after this step is in its journal, and wakes when its lease is long gone. */
async function stoppedAt(step: Step): Promise<DeviceWorld> {
  const world = new DeviceWorld()
  let armed = false
  await world.running({
    haltAt: step,
    halt: () => {
      if (armed) world.life.aheadMs += 3 * TTL_MS
    }
  })
  await world.pushed(aim(16, 0.5))
  await world.until('motion again', () => world.board.trace().moving)
  armed = true
  return world
}

for (const step of STEPS.slice(STEPS.indexOf('hold'), STEPS.indexOf('release'))) {
  test(`a lease that ran out while the process was stopped at ${step} is noticed before anything is sent, and the old stays`, async () => {
    const world = await stoppedAt(step)
    const outcome = await world.pushed(aim(17, 0.65))
    assert.equal(outcome.outcome, 'refused')
    const rolledBack = STEPS.indexOf(step) >= STEPS.indexOf('commit')
    assert.equal(outcome.code, rolledBack ? 'LK-4001' : 'LK-1016')
    assert.match(outcome.detail, rolledBack ? /rolled back: .*LK-1016/ : /lease/)
    const committed = STEPS.indexOf(step) > STEPS.indexOf('commit')
    assert.equal(world.board.trace().fences.aim, committed ? 2 : 1, 'the high-water')
    await asBefore(world)
  })
}

test('a lease lost after verification takes nothing back', async () => {
  const world = await stoppedAt('release')
  assert.equal((await world.pushed(aim(17, 0.65))).outcome, 'applied')
  await world.until('motion', () => world.board.trace().moving)
  assert.deepEqual(world.inForce, ['17, 0.65'])
})

test('a lock that is cleared while the device comes to rest ends the change, and the device goes on as before', async () => {
  const world = await withVersion16()
  const push = await world.push(aim(17))
  await world.until('the pause', () => world.journal.includes('"pause"'))
  const operator = world.session('operator-2', 'tool')
  await world.settled('contact', operator.contact(5000))
  const unlocking = {
    op: 'unlock',
    id: 'u1',
    lock: 'plant-2/line-4/arm-7:aim',
    fence: 2,
    reason: 'test',
    graceMs: 0
  }
  world.broker.publish(world.topics.request('operator-2'), JSON.stringify(unlocking))
  const outcome = await world.outcomeOf(push)
  if (outcome.outcome === 'refused') await asBefore(world)
  else assert.deepEqual(world.inForce, ['17, 0.65'])
})

test('a controller that is unplugged before commit: refused, and the device runs again when it is back', async () => {
  const world = new DeviceWorld()
  let armed = false
  await world.running({ haltAt: 'stage', halt: () => armed && world.board.unplug() })
  await world.pushed(aim(16, 0.5))
  await world.until('motion again', () => world.board.trace().moving)
  armed = true
  const outcome = await world.pushed(aim(17))
  assert.deepEqual([outcome.outcome, outcome.code], ['refused', 'LK-5001'])
  assert.equal(world.agent.guard.state, 'fault')
  world.board.plug()
  await asBefore(world)
})

test('a controller that is unplugged after commit: unverified, standing, and rolled back when it is back', async () => {
  const world = new DeviceWorld()
  let armed = false
  await world.running({ haltAt: 'write', halt: () => armed && world.board.unplug() })
  await world.pushed(aim(16, 0.5))
  await world.until('motion again', () => world.board.trace().moving)
  armed = true
  const outcome = await world.pushed(aim(17))
  assert.deepEqual([outcome.outcome, outcome.code], ['unverified', 'LK-4002'])
  assert.match(outcome.detail, /asked again as soon as it answers/)
  assert.ok(world.agent.guard.holds.some((hold) => hold.id === 'config:aim'))
  await world.until('the state', () => world.state.configs.aim?.verified === false)
  assert.ok(world.board.trace().paused)
  world.board.plug()
  await asBefore(world)
  assert.equal(world.logged('resolved')?.how, 'rolled-back')
})

test('a change that ends the doubt of an earlier one goes back to what that one went back to', async () => {
  const world = new DeviceWorld()
  let armed = false
  await world.running({ haltAt: 'verify', halt: () => armed && world.board.unplug() })
  await world.pushed(aim(16, 0.5))
  await world.until('motion again', () => world.board.trace().moving)
  armed = true
  assert.equal((await world.pushed(aim(17))).outcome, 'unverified')
  const push = await world.push(aim(18))
  await world.until('it to begin', () => world.journal.includes('"version":18'))
  world.board.plug()
  assert.equal((await world.outcomeOf(push)).outcome, 'unverified')
  armed = false
  world.board.plug()
  await asBefore(world)
})

test('a controller that is reset after commit keeps it unverified, and is rolled back', async () => {
  const world = new DeviceWorld()
  let armed = false
  await world.running({ haltAt: 'verify', halt: () => armed && world.board.reset() })
  await world.pushed(aim(16, 0.5))
  await world.until('motion again', () => world.board.trace().moving)
  armed = true
  const outcome = await world.pushed(aim(17))
  assert.deepEqual([outcome.outcome, outcome.code], ['refused', 'LK-4001'])
  await asBefore(world)
})

test('a full disk refuses the change before anything was touched', async () => {
  const world = await withVersion16()
  world.files.fault = (doing) => (doing === 'append' || doing === 'write' ? 'ENOSPC' : undefined)
  const outcome = await world.pushed(aim(17))
  assert.deepEqual([outcome.outcome, outcome.code], ['refused', 'LK-4005'])
  assert.match(outcome.detail, /disk is full/)
  await asBefore(world)
})

for (const what of ['append', 'write'] as const) {
  test(`a disk that fills up in mid-change (${what}) leads back to the old configuration`, async () => {
    const world = new DeviceWorld()
    let armed = false
    const fill = (): void => {
      if (armed) world.files.fault = (doing) => (doing === what ? 'ENOSPC' : undefined)
    }
    await world.running({ haltAt: 'commit', halt: fill })
    await world.pushed(aim(16, 0.5))
    await world.until('motion again', () => world.board.trace().moving)
    armed = true
    const outcome = await world.pushed(aim(17, 0.65))
    assert.deepEqual([outcome.outcome, outcome.code], ['refused', 'LK-4001'])
    assert.match(outcome.detail, /LK-4005/)
    await asBefore(world)
  })
}

test('a controller that has stored something else than was committed is rolled back', async () => {
  const world = new DeviceWorld()
  const wrap = (controller: Controller): Controller => {
    const read = async (resource: string): Promise<Stored> => {
      const stored = await controller.read(resource)
      return stored.version === 17 ? { ...stored, values: { ...stored.values, sensitivity: 0.1 } } : stored
    }
    return changed(controller, { read })
  }
  await world.running({ wrap })
  await world.pushed(aim(16, 0.5))
  const outcome = await world.pushed(aim(17, 0.65))
  assert.deepEqual([outcome.outcome, outcome.code], ['refused', 'LK-4001'])
  assert.match(outcome.detail, /does not hold what was committed/)
  await asBefore(world)
})

test('two updates at once: one after the other, each to its end', async () => {
  const world = await withVersion16()
  const safety = `resource = "safety"\nversion = 5\n[values]\nmax_speed_mm_s = 200\nmax_force_n = 70\nmin_distance_mm = 450\ngeofence_radius_m = 100\nmax_altitude_m = 50\n`
  const first = await world.push(aim(17))
  const second = await world.push(safety, { resource: 'safety' })
  assert.equal((await world.outcomeOf(first)).outcome, 'applied')
  assert.equal((await world.outcomeOf(second)).outcome, 'applied')
  assert.deepEqual(world.board.trace().versions, { aim: 17, safety: 5 })
})
