import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '../../src/agent/index.ts'
import { type FleetSession, type Grant, makeId } from '../../src/client/index.ts'
import { aim, DeviceWorld, type LifeOptions, TTL_MS } from '../support/device-world.ts'

/** A change may wait longer than anything here takes, unless a test says how long. */
const LONG_MS = 60_000
const LOCK = 'plant-2/line-4/arm-7:aim'

async function withVersion16(options: LifeOptions = {}): Promise<DeviceWorld> {
  const world = new DeviceWorld()
  await world.running({ reachableMs: LONG_MS, ...options })
  assert.equal((await world.pushed(aim(16, 0.5))).outcome, 'applied')
  await world.until('motion again', () => world.board.trace().moving)
  return world
}

/** A push that finds the only controller away, and waits for it. */
async function waiting(world: DeviceWorld): Promise<string> {
  world.board.unplug()
  const push = await world.push(aim(17))
  await world.until('the change', () => world.journal.includes('"version":17'))
  return push
}

/** A push under a wide lock, which goes on as long as its pusher says so. */
async function pushUnder(world: DeviceWorld, session: FleetSession, grant: Grant): Promise<string> {
  const id = makeId(world.random)
  const document = aim(17)
  const common = {
    id,
    resource: 'aim',
    version: 17,
    document,
    digest: digestOf(document),
    scope: '*',
    atOnce: 1
  }
  const under = { lock: '*:aim', fence: grant.fence('*:aim') }
  const ask = (): Promise<unknown> =>
    session.request((number, seq) => ({ op: 'push', session: number, seq, ...common, under }), 'push')
  const goOn = (): void => {
    ask().catch(() => undefined)
    world.timers.after(300, goOn)
  }
  await world.settled('the push', ask())
  goOn()
  return id
}

const record = (world: DeviceWorld) =>
  JSON.parse(world.broker.retained.get(world.topics.lock(LOCK)) ?? '{}') as { state?: string; fence?: number }

async function asBefore(world: DeviceWorld): Promise<void> {
  world.board.plug()
  await world.until('motion', () => world.agent.guard.state === 'running')
  await world.pass(5_000)
  assert.deepEqual(world.inForce, ['16, 0.50'])
  assert.equal(world.fileVersion, 16)
  assert.equal(world.board.trace().fences.aim, 1)
}

test('a change that finds its controller just reconnecting waits for it, takes no lock meanwhile, and is applied', async () => {
  const world = await withVersion16()
  const push = await waiting(world)
  await world.pass(3 * TTL_MS)
  assert.equal(world.outcome(push), undefined)
  assert.deepEqual([record(world).state, record(world).fence], ['free', 1])
  world.board.plug()
  assert.equal((await world.outcomeOf(push)).outcome, 'applied')
  assert.deepEqual(world.inForce, ['17, 0.65'])
  await world.until('motion', () => world.board.trace().moving)
})

test('a controller that does not come back in time is named in the refusal, and no lock was taken for it', async () => {
  const world = await withVersion16({ reachableMs: 4_000 })
  const push = await waiting(world)
  await world.pass(3_900)
  assert.equal(world.outcome(push), undefined)
  const outcome = await world.outcomeOf(push, 200)
  assert.deepEqual([outcome.outcome, outcome.code], ['refused', 'LK-5001'])
  assert.match(outcome.detail, /controller axis-1/)
  assert.equal(record(world).fence, 1)
  await asBefore(world)
})

test('a document that no controller could take is refused without waiting for one', async () => {
  const world = await withVersion16()
  world.board.unplug()
  const outcome = await world.outcomeOf(await world.push(aim(15)), 200)
  assert.equal(outcome.code, 'LK-3006')
})

test('where only the controller knows the version in force, it is asked before an older one is taken', async () => {
  const world = await withVersion16()
  world.kill()
  world.files.content.delete('/state/config/aim.toml')
  world.files.content.delete('/state/config/aim.previous.toml')
  world.board.unplug()
  world.start({ reachableMs: 4_000 })
  await world.settled('the start', world.agent.started)
  const push = await world.push(aim(15))
  await world.until('the change', () => world.journal.includes('"version":15'))
  world.board.plug()
  const outcome = await world.outcomeOf(push)
  assert.equal(outcome.code, 'LK-3006')
  assert.match(outcome.detail, /a controller has/)
})

test('the wait for a controller ends at once when the lock under which the update was pushed is lost', async () => {
  let armed = false
  const world = await withVersion16({ haltAt: 'validate', halt: () => armed && world.board.unplug() })
  armed = true
  const session = world.session('node-7')
  await world.settled('contact', session.contact(5_000))
  const grant = await world.settled('the grant', session.acquire({ locks: ['*:aim'], wait: true }))
  const push = await pushUnder(world, session, grant)
  await world.until('the change', () => world.journal.includes('"version":17'))
  await world.pass(2_000)
  assert.equal(world.outcome(push), undefined)
  await world.settled('the release', grant.release())
  assert.equal((await world.outcomeOf(push, 200)).code, 'LK-3008')
  armed = false
  await asBefore(world)
})

test('an agent that is stopped does not wait for a controller', async () => {
  const world = await withVersion16()
  const push = await waiting(world)
  await world.pass(1_000)
  await world.settled('the stop', world.agent.stop(), 200)
  assert.equal(world.outcome(push), undefined)
  world.start()
  world.board.plug()
  assert.equal((await world.outcomeOf(push)).outcome, 'applied')
})

test('an agent that is stopped while it waits for controllers at its start, or for one in doubt, is gone at once', async () => {
  const world = new DeviceWorld({ boards: 2 })
  const [first, second] = world.boards
  let armed = false
  const unplug = (): void => {
    if (armed) for (const board of world.boards) board.unplug()
  }
  await world.running({ haltAt: 'write', halt: unplug })
  await world.pushed(aim(16, 0.5))
  armed = true
  assert.equal((await world.pushed(aim(17))).outcome, 'unverified')
  world.kill()

  const stop = async (): Promise<void> => world.settled('the stop', world.agent.stop(), 200)
  world.start({ reachableMs: LONG_MS })
  await world.pass(1_000)
  await stop()

  world.start({ reachableMs: 4_000 })
  await world.pass(5_000)
  await stop()

  world.start({ reachableMs: 4_000 })
  await world.settled('the start', world.agent.started)
  first?.plug()
  await world.until('the first one', () => world.logged('controller-connected'))
  await world.pass(500)
  await stop()

  world.start()
  second?.plug()
  await world.until('motion', () => world.boards.every((board) => board.trace().moving))
  assert.deepEqual(world.inForce, ['16, 0.50', '16, 0.50'])
  assert.equal(world.fileVersion, 16)
})

test('a start that is cut short decides nothing: the next one finds the interrupted change as it was', async () => {
  const world = new DeviceWorld()
  await world.running()
  await world.pushed(aim(16, 0.5))
  await world.settled('the stop', world.agent.stop())
  world.startDoomed('write')
  const push = await world.push(aim(17))
  await world.until('the end', () => !world.life.alive)
  world.board.unplug()
  world.start({ reachableMs: LONG_MS })
  await world.pass(1_000)
  const before = world.journal
  await world.settled('the stop', world.agent.stop(), 200)
  assert.equal(world.journal, before)
  world.board.plug()
  world.start()
  const outcome = await world.outcomeOf(push)
  assert.deepEqual([outcome.outcome, outcome.code], ['refused', 'LK-4001'])
  await world.until('motion', () => world.board.trace().moving)
  assert.deepEqual(world.inForce, ['16, 0.50'])
})

test('a lease that runs out while a controller is waited for in mid-change ends it at once, and nothing is staged later', async () => {
  let armed = false
  const world = new DeviceWorld()
  await world.running({
    reachableMs: LONG_MS,
    standstillMs: LONG_MS,
    haltAt: 'pause',
    halt: () => armed && world.board.unplug()
  })
  await world.pushed(aim(16, 0.5))
  await world.until('motion again', () => world.board.trace().moving)
  armed = true
  const push = await world.push(aim(17))
  await world.until('the pause', () => world.journal.endsWith('"step":"pause"}\n'))
  await world.pass(2 * TTL_MS)
  assert.equal(world.outcome(push), undefined, 'the lease is renewed, and the controller is waited for')
  world.broker.lose = (topic) => topic.includes('/rep/arm-7')
  await world.until('the end', () => world.logged('update-refused'), TTL_MS + 100)
  assert.equal(world.logged('update-refused')?.code, 'LK-1016')
  armed = false
  world.broker.lose = () => false
  world.board.plug()
  await world.until('motion', () => world.agent.guard.state === 'running')
  assert.equal(world.board.trace().fences.aim, 1)
})
