import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Controller, Manoeuvre, Measured } from '../../firmware-bridge/drivers/controller.ts'
import { digestOf } from '../../src/agent/index.ts'
import type { FleetSession, Grant } from '../../src/client/index.ts'
import { aim, changed, DEVICE, DeviceWorld } from '../support/device-world.ts'

const WIDE = '*:aim'
const short = (afterBudget: string, pauseBudget = '5s'): string =>
  `pauseBudget = "${pauseBudget}"\nafterBudget = "${afterBudget}"`

async function lock(session: FleetSession, world: DeviceWorld): Promise<Grant> {
  const asked = session.acquire({ locks: [WIDE], wait: true, reason: 'test' })
  return world.settled('the grant', asked)
}

/** A running device with that profile, which a foreign lock then holds. */
async function held(world: DeviceWorld, wrap?: (controller: Controller) => Controller) {
  await world.running(wrap === undefined ? {} : { wrap })
  const session = world.session('ops', 'push')
  await world.settled('contact', session.contact(5000))
  const grant = await lock(session, world)
  await world.until('standstill', () => world.agent.guard.standing)
  return { session, grant }
}

const audit = (world: DeviceWorld): Record<string, unknown>[] =>
  (world.files.content.get('/state/audit.jsonl') ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

const lockHold = (world: DeviceWorld) => world.agent.guard.holds.find(({ kind }) => kind === 'lock')

test('when the budget is used up the device moves in spite of the lock, and says so in its audit and its state', async () => {
  const world = new DeviceWorld({ profile: short('resume') })
  const { grant } = await held(world)
  await world.pass(4000)
  assert.ok(world.board.trace().paused)
  await world.until('motion', () => world.board.trace().moving, 1500)
  assert.equal(lockHold(world)?.waived, true)
  const over = [{ id: `lock:${WIDE}`, fence: grant.fence(WIDE) }]
  assert.deepEqual(
    audit(world).map(({ what, did, over }) => ({ what, did, over })),
    [{ what: 'after-budget', did: 'resume', over }]
  )
  await world.until('the state', () => world.state.holds.some(({ waived }) => waived))
  await world.settled('the release', grant.release())
  await world.until('the end of the hold', () => world.agent.guard.holds.length === 0)
  assert.ok(world.board.trace().moving)
})

test('what overrides a hold is on disk before the device moves: while the disk refuses it stays, and says so', async () => {
  const world = new DeviceWorld({ profile: short('resume') })
  await held(world)
  world.files.fault = (doing) => (doing === 'append' || doing === 'write' ? 'EROFS' : undefined)
  await world.pass(20_000)
  assert.ok(world.board.trace().paused)
  assert.equal(lockHold(world)?.waived, false)
  assert.match(String(world.logged('pause-budget')?.message), /disk refuses/)
  world.files.fault = () => undefined
  await world.until('motion', () => world.board.trace().moving, 6000)
  assert.equal(audit(world).length, 1)
})

test('a bypass by the budget ends with its grant: the next one pauses the device for what is left', async () => {
  const world = new DeviceWorld({ profile: short('resume') })
  const { grant, session } = await held(world)
  await world.until('motion', () => world.board.trace().moving, 6000)
  await world.pass(2000)
  await world.settled('the release', grant.release())
  await lock(session, world)
  await world.until('standstill', () => world.agent.guard.standing)
  await world.pass(1000)
  assert.ok(world.board.trace().paused)
  await world.until('motion', () => world.board.trace().moving, 2500)
  assert.equal(audit(world).length, 2)
})

test('a device that never reached Locksmith moves when its budget says so, and not before', async () => {
  const world = new DeviceWorld({ profile: short('resume') })
  world.broker.lose = (topic) => topic.includes('/rep/')
  world.start()
  await world.pass(4900)
  assert.ok(world.board.trace().paused)
  await world.until('motion', () => world.board.trace().moving, 500)
  assert.deepEqual(
    world.agent.guard.holds.map(({ id, waived }) => [id, waived]),
    [['contact', true]]
  )
  world.broker.lose = () => false
  await world.until('contact', () => world.agent.guard.holds.length === 0)
})

for (const [afterBudget, words] of [
  ['stay', /profile says stay/],
  ['manoeuvre', /no controller of this device declares a manoeuvre/]
] as const) {
  test(`with afterBudget = "${afterBudget}" a device with the native controller stays, and says why`, async () => {
    const world = new DeviceWorld({ profile: short(afterBudget) })
    const { grant } = await held(world)
    await world.pass(20_000)
    assert.ok(world.board.trace().paused)
    const said = world.life.logged.filter(({ event }) => event === 'pause-budget')
    assert.equal(said.length, 1)
    assert.match(said[0]?.message ?? '', words)
    assert.deepEqual(audit(world), [])
    await world.settled('the release', grant.release())
    await world.until('motion', () => world.board.trace().moving)
  })
}

test('where a restart awaits a person, the end of the budget does not restart it', async () => {
  const world = new DeviceWorld({ profile: short('resume'), autoRestart: false })
  world.start()
  await world.until('the operator hold', () =>
    world.agent.guard.holds.some(({ kind }) => kind === 'operator')
  )
  await world.pass(20_000)
  assert.ok(world.board.trace().paused)
})

/** A controller that can, and tells what it was ordered; each manoeuvre takes a second. */
function able(world: DeviceWorld, manoeuvres: readonly Manoeuvre[]) {
  const ordered: Manoeuvre[] = []
  const wrap = (controller: Controller): Controller =>
    changed(controller, {
      get capabilities() {
        const { capabilities } = controller
        return capabilities && { ...capabilities, manoeuvres }
      },
      manoeuvre: (how) => {
        ordered.push(how)
        return new Promise((resolve) => world.timers.after(1000, resolve))
      }
    })
  return { ordered, wrap }
}

test('a controller that can come home is told to, once, and stands by its hold when it is there', async () => {
  const world = new DeviceWorld({ profile: short('manoeuvre') })
  const { ordered, wrap } = able(world, ['return', 'land'])
  await held(world, wrap)
  await world.until('the order', () => ordered.length > 0, 6000)
  assert.ok(world.agent.guard.manoeuvring)
  await world.until('standstill', () => world.agent.guard.standing)
  await world.pass(20_000)
  assert.deepEqual(ordered, ['return'])
  assert.deepEqual(
    audit(world).map(({ did }) => did),
    ['return']
  )
  assert.equal(lockHold(world)?.waived, false)
})

test('with a configuration in doubt it is told to land, and nothing else', async () => {
  for (const [manoeuvres, expected] of [
    [['return', 'land'], ['land']],
    [['return'], []]
  ] as const) {
    const world = new DeviceWorld({ profile: short('manoeuvre') })
    const { ordered, wrap } = able(world, manoeuvres)
    await world.running({ wrap })
    world.agent.guard.raise({ id: 'config:aim', kind: 'config', owner: 'arm-7', why: 'unverified' })
    await world.pass(10_000)
    assert.deepEqual(ordered, expected)
  }
})

test('a change in progress goes back in time for the end of the budget, and the device then moves with what it had', async () => {
  const world = new DeviceWorld({ profile: short('resume', '12s') })
  let slow = false
  const wrap = (controller: Controller): Controller =>
    changed(controller, {
      read: async (resource) => {
        if (slow) await new Promise((resolve) => world.timers.after(2000, () => resolve(undefined)))
        return controller.read(resource)
      }
    })
  await world.running({ wrap })
  assert.equal((await world.pushed(aim(16, 0.5))).outcome, 'applied')
  const session = world.session('pusher')
  await world.settled('contact', session.contact(5000))
  const grant = await lock(session, world)
  await world.until('standstill', () => world.agent.guard.standing)
  await world.pass(4500)
  slow = true
  const push = session.request(
    (number, seq) => ({
      ...{
        op: 'push',
        session: number,
        seq,
        id: 'late',
        resource: 'aim',
        version: 17,
        atOnce: 1,
        scope: DEVICE
      },
      document: aim(17),
      digest: digestOf(aim(17)),
      under: { lock: WIDE, fence: grant.fence(WIDE) }
    }),
    'push'
  )
  await world.settled('the push', push)
  await world.until('the change', () => world.logged('change-begins'))
  const outcome = await world.outcomeOf('late', 8000)
  assert.deepEqual([outcome.outcome, outcome.code], ['refused', 'LK-4001'])
  assert.match(outcome.detail, /pause budget is nearly used up/)
  await world.until('motion', () => world.board.trace().moving, 4000)
  assert.deepEqual(world.inForce, ['16, 0.50'])
  assert.equal(lockHold(world)?.waived, true)
})

test('a change does not start when its roll-back does not fit what is left, and does when the device has moved', async () => {
  const world = new DeviceWorld({ profile: short('resume', '9s') })
  const { grant } = await held(world)
  await world.pass(4000)
  await world.settled('the release', grant.release())
  await world.until('motion', () => world.agent.guard.state === 'running')
  const refused = await world.pushed(aim(17))
  assert.deepEqual([refused.outcome, refused.code], ['refused', 'LK-4003'])
  assert.match(
    refused.detail,
    /of the pause budget are left, a roll-back may take 6 s: enough after .* in motion/
  )
  await world.pass(2000)
  assert.equal((await world.pushed(aim(17))).outcome, 'applied')
})

test('what a device has stood outlives a kill -9 of its agent, and little is written for it', async () => {
  const world = new DeviceWorld({ profile: short('resume', '20s') })
  await held(world)
  let writes = 0
  const { write } = world.files
  world.files.write = (path, content) => {
    if (path.endsWith('interlock.json')) writes += 1
    write.call(world.files, path, content)
  }
  await world.pass(8000)
  world.kill()
  await world.pass(6000)
  world.start()
  await world.pass(4000)
  assert.ok(world.board.trace().paused)
  await world.until('motion', () => world.board.trace().moving, 3000)
  assert.ok(writes <= 4, `${writes} writes`)
})

test('a bypass by the budget holds over a restart of the agent, for the same grant', async () => {
  const world = new DeviceWorld({ profile: short('resume', '20s') })
  await held(world)
  await world.until('motion', () => world.board.trace().moving, 21_000)
  await world.pass(10_000)
  world.kill()
  world.start()
  await world.until('the hold', () => lockHold(world))
  assert.equal(lockHold(world)?.waived, true)
  await world.until('motion', () => world.agent.guard.state === 'running', 3000)
  assert.equal(audit(world).length, 1)
})

test('what is kept of the budget and cannot be read, or not be written, makes the device stand longer', async () => {
  const world = new DeviceWorld({ profile: short('resume') })
  world.files.content.set('/state/interlock.json', '{"budget":')
  await held(world)
  assert.ok(world.logged('interlock-unreadable'))
  await world.pass(4000)
  assert.ok(world.board.trace().paused)
  await world.until('motion', () => world.board.trace().moving, 1500)
})

test('a controller that stands beyond the limits of its configuration is not set going before it is within them', async () => {
  const world = new DeviceWorld()
  let measured: readonly Measured[] = []
  const wrap = (controller: Controller): Controller =>
    changed(controller, {
      get status() {
        const { status } = controller
        return status && { ...status, measured }
      }
    })
  const { grant } = await held(world, wrap)
  measured = [{ what: 'distance', value: 130, min: 0, max: 120, unit: 'm' }]
  await world.settled('the release', grant.release())
  await world.pass(5000)
  assert.ok(world.board.trace().paused)
  const [hold] = world.agent.guard.holds
  assert.equal(hold?.kind, 'controller')
  assert.match(hold?.why ?? '', /distance is 130 m, its configuration allows 0 to 120/)
  measured = [{ what: 'distance', value: 110, min: 0, max: 120, unit: 'm' }]
  await world.until('motion', () => world.board.trace().moving)
})
