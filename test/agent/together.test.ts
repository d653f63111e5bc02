import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Controller } from '../../firmware-bridge/drivers/controller.ts'
import { digestOf } from '../../src/agent/index.ts'
import { type FleetSession, type Grant, makeId } from '../../src/client/index.ts'
import { aim, changed, DeviceWorld, TTL_MS } from '../support/device-world.ts'

const WIDE = '*:aim'

interface Together {
  readonly world: DeviceWorld
  readonly session: FleetSession
  readonly grant: Grant
  readonly fence: number
}

/** A device that runs with version 16, and a pusher that holds the wide lock. */
async function together(): Promise<Together> {
  const world = new DeviceWorld()
  await world.running()
  await world.pushed(aim(16, 0.5))
  await world.until('motion', () => world.agent.guard.state === 'running')
  return { world, ...(await wideLock(world)) }
}

async function wideLock(world: DeviceWorld, name = 'node-7'): Promise<Omit<Together, 'world'>> {
  const session = world.session(name)
  await world.settled('contact', session.contact(5000))
  const grant = await world.settled(
    'the grant',
    session.acquire({ locks: [WIDE], wait: true, reason: 'push' })
  )
  return { session, grant, fence: grant.fence(WIDE) }
}

async function push({ world, session, fence }: Together, document: string): Promise<string> {
  const id = makeId(world.random)
  const digest = digestOf(document)
  const under = { lock: WIDE, fence }
  const version = 17
  const ask = (): Promise<unknown> =>
    session.request(
      (number, seq) => ({
        op: 'push',
        id,
        session: number,
        seq,
        resource: 'aim',
        version,
        document,
        digest,
        scope: '*',
        under,
        atOnce: 1
      }),
      'push'
    )
  // A push together goes on only as long as its pusher says so.
  const goOn = (): void => {
    ask().catch(() => undefined)
    world.timers.after(300, goOn)
  }
  await world.settled('the push', ask())
  goOn()
  return id
}

/** An update put straight on the topic of the agent. */
function play(
  world: DeviceWorld,
  update: { push: string; fence: number; lock?: string; version?: number }
): void {
  const { push: id, fence, lock = WIDE, version = 17 } = update
  const document = aim(version)
  const under = { lock, fence }
  const said = {
    push: id,
    resource: 'aim',
    version,
    document,
    digest: digestOf(document),
    by: 'node-7',
    under
  }
  world.broker.publish(world.topics.update('arm-7', 'aim'), JSON.stringify(said))
}

const ofFile = (world: DeviceWorld): [number | undefined, readonly string[]] => [
  world.fileVersion,
  world.inForce
]

test('an update together is applied under the wide fence, and the device stands until the wide lock is released', async () => {
  const all = await together()
  const { world, grant, fence } = all
  const id = await push(all, aim(17, 0.65))
  assert.equal((await world.outcomeOf(id)).outcome, 'applied')
  assert.deepEqual(ofFile(world), [17, ['17, 0.65']])
  assert.equal(world.board.trace().fences.aim, fence)
  await world.pass(3000)
  assert.ok(world.board.trace().paused)
  assert.deepEqual(
    world.agent.guard.holds.map((hold) => hold.id),
    [`lock:${WIDE}`]
  )
  await world.settled('the release', grant.release())
  await world.until('motion', () => world.board.trace().moving)
})

test('no update reaches a device that has not proved that it stands', async () => {
  const all = await together()
  const { world } = all
  let sentWhileMoving = false
  const publish = world.broker.publish.bind(world.broker)
  world.broker.publish = (topic, payload, retain) => {
    if (topic.includes('/update/') && payload !== '') sentWhileMoving ||= world.board.trace().moving
    publish(topic, payload, retain)
  }
  await world.outcomeOf(await push(all, aim(17)))
  assert.equal(sentWhileMoving, false)
})

test('a wide lock whose owner dies in mid-change: wholly old or wholly new, and motion once it is reclaimed', async () => {
  for (const dieAfterMs of [0, 5, 10, 20, 40, 80, 160]) {
    const all = await together()
    const { world } = all
    await push(all, aim(17, 0.65))
    await world.pass(dieAfterMs)
    world.broker.lose = (topic) => topic.endsWith('/req/node-7')
    await world.until('motion', () => world.board.trace().moving, 2 * TTL_MS + 12_000)
    const [version, inForce] = ofFile(world)
    assert.deepEqual(inForce, version === 17 ? ['17, 0.65'] : ['16, 0.50'])
  }
})

test('an agent that loses sight of the wide lock between stage and commit commits nothing', async () => {
  const world = new DeviceWorld()
  let armed = false
  const halt = (): void => {
    if (armed) world.life.aheadMs += 3 * TTL_MS
  }
  await world.running({ haltAt: 'commit', halt })
  await world.pushed(aim(16, 0.5))
  await world.until('motion', () => world.agent.guard.state === 'running')
  armed = true
  const all = { world, ...(await wideLock(world)) }
  const outcome = await world.outcomeOf(await push(all, aim(17, 0.65)))
  assert.equal(outcome.outcome, 'refused')
  assert.match(outcome.detail, /LK-1016/)
  assert.deepEqual(ofFile(world), [16, ['16, 0.50']])
  assert.equal(world.board.trace().fences.aim, 1)
})

test('a grant whose end only a heartbeat reply tells ends the change before commit', async () => {
  const world = new DeviceWorld()
  const slow = (controller: Controller): Controller =>
    changed(controller, {
      stage: (request) =>
        controller.stage(request).then(() => new Promise((resolve) => world.timers.after(1500, resolve)))
    })
  await world.running({ wrap: slow })
  await world.pushed(aim(16, 0.5))
  await world.until('motion', () => world.agent.guard.state === 'running')
  const { grant, fence } = await wideLock(world)
  await world.until('standstill', () => world.agent.guard.standing)
  world.broker.lose = (topic) => topic.includes('/lock/')
  play(world, { push: 'slow', fence })
  await world.until('the stage', () => world.board.trace().staged.length > 0)
  await world.settled('the release', grant.release())
  const outcome = await world.outcomeOf('slow')
  assert.deepEqual([outcome.outcome, outcome.code], ['refused', 'LK-1016'])
  assert.match(outcome.detail, /its grant has ended/)
  assert.equal(world.board.trace().fences.aim, 1)
})

test('a ghost that plays an update under its old fence straight to the agent is refused, by code, and nothing is touched', async () => {
  const { world, grant, fence } = await together()
  await world.settled('the release', grant.release())
  await world.until('motion', () => world.agent.guard.state === 'running')
  const { pauseId } = world.board.trace()
  play(world, { push: 'ghost-1', fence })
  const outcome = await world.outcomeOf('ghost-1')
  assert.deepEqual([outcome.outcome, outcome.code], ['refused', 'LK-1011'])
  assert.equal(world.logged('update-refused')?.code, 'LK-1011')
  assert.equal(world.board.trace().pauseId, pauseId)
  assert.deepEqual(ofFile(world), [16, ['16, 0.50']])
})

test('a ghost is refused also while a newer owner holds the lock, and with a fence that was never granted', async () => {
  const { world, grant, fence } = await together()
  await world.settled('the release', grant.release())
  const newer = await wideLock(world, 'node-8')
  play(world, { push: 'ghost-1', fence })
  assert.equal((await world.outcomeOf('ghost-1')).code, 'LK-1011')
  play(world, { push: 'ghost-2', fence: newer.fence + 50 })
  assert.equal((await world.outcomeOf('ghost-2')).code, 'LK-1012')
  assert.deepEqual(ofFile(world), [16, ['16, 0.50']])
})

test('a lock that does not cover the device or the resource gives no right', async () => {
  const { world, fence } = await together()
  play(world, { push: 'beside', fence, lock: 'plant-3:aim' })
  assert.equal((await world.outcomeOf('beside')).code, 'LK-1013')
  play(world, { push: 'other', fence, lock: '*:safety' })
  assert.equal((await world.outcomeOf('other')).code, 'LK-1013')
})

test('an update of a push that was answered before, played again by a ghost, is refused in the log', async () => {
  const all = await together()
  const { world, grant, fence } = all
  const id = await push(all, aim(17, 0.65))
  await world.outcomeOf(id)
  await world.settled('the release', grant.release())
  await world.until('motion', () => world.agent.guard.state === 'running')
  play(world, { push: id, fence })
  await world.until('the refusal', () => world.logged('update-refused'))
  assert.equal(world.logged('update-refused')?.code, 'LK-1011')
  assert.equal(world.outcome(id)?.outcome, 'applied')
})

test('a grant that is listed by an old reply only gives no right: the agent asks anew', async () => {
  const { world, grant, fence } = await together()
  await world.until('standstill', () => world.agent.guard.standing)
  world.broker.lose = (topic) => topic.includes('/lock/')
  await world.settled('the release', grant.release())
  play(world, { push: 'late', fence })
  const outcome = await world.outcomeOf('late')
  assert.equal(outcome.code, 'LK-1011')
})

test('an agent that waits for its own lock of another resource lets an update together go first', async () => {
  const all = await together()
  const { world } = all
  const tool = world.session('ops', 'tool')
  await world.settled('contact', tool.contact(5000))
  const other = await world.settled('the grant', tool.acquire({ locks: ['*:safety'], wait: true }))
  const safety = `resource = "safety"\nversion = 5\n[values]\nmax_speed_mm_s = 200\nmax_force_n = 70\nmin_distance_mm = 450\ngeofence_radius_m = 100\nmax_altitude_m = 50\n`
  const waiting = await world.push(safety, { resource: 'safety' })
  await world.until('the agent to wait', () => world.journal.includes('"acquire"'))
  assert.equal((await world.outcomeOf(await push(all, aim(17)))).outcome, 'applied')
  assert.equal(world.outcome(waiting), undefined)
  await world.settled('the release', other.release())
  assert.equal((await world.outcomeOf(waiting)).outcome, 'applied')
})
