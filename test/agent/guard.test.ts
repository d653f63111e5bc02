import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Controller, StandstillUnproved } from '../../firmware-bridge/drivers/controller.ts'
import { encodeFrame } from '../../firmware-bridge/link/frame.ts'
import { requestTypes } from '../../firmware-bridge/link/messages.ts'
import type { FleetSession, Grant } from '../../src/client/index.ts'
import { changed, DeviceWorld, TTL_MS } from '../support/device-world.ts'

const WIDE = '*:aim'

async function locked(world: DeviceWorld, name = 'ops'): Promise<{ session: FleetSession; grant: Grant }> {
  const session = world.session(name, 'tool')
  await world.settled('contact', session.contact(5000))
  const grant = await world.settled(
    'the grant',
    session.acquire({ locks: [WIDE], wait: true, reason: 'test' })
  )
  return { session, grant }
}

const moving = (world: DeviceWorld) => (): boolean => world.boards.every((board) => board.trace().moving)

test('a board that boots stands until Locksmith was heard', async () => {
  const world = new DeviceWorld()
  world.broker.lose = (topic) => topic.includes('/rep/')
  world.start()
  await world.pass(5000)
  assert.ok(world.board.trace().paused)
  assert.deepEqual(
    world.agent.guard.holds.map((hold) => hold.id),
    ['contact']
  )
  world.broker.lose = () => false
  await world.until('motion', moving(world))
})

test('a foreign lock pauses the device, standstill is reported under it, and its release sets it going', async () => {
  const world = new DeviceWorld({ boards: 2 })
  await world.running()
  const { grant } = await locked(world)
  await world.until('standstill', () => world.agent.guard.standing)
  assert.ok(world.boards.every((board) => !board.trace().moving && board.trace().paused))
  const told = { lock: WIDE, fence: grant.fence(WIDE) }
  assert.deepEqual(world.agent.guard.standingUnder, [told])
  await world.until('the proof to be told', () =>
    world.broker.seen.some((said) => said.payload.includes(`"standing":[${JSON.stringify(told)}]`))
  )
  await world.settled('the release', grant.release())
  await world.until('motion', moving(world))
})

test('the lock of a ghost is reclaimed, and the device moves again by that alone', async () => {
  const world = new DeviceWorld()
  await world.running()
  await locked(world)
  await world.until('standstill', () => world.agent.guard.standing)
  for (const { topic } of world.broker.seen) if (topic.endsWith('/req/ops')) break
  world.broker.lose = (topic) => topic.endsWith('/req/ops')
  await world.until('motion', moving(world), 2 * TTL_MS + 12_000)
})

test('without contact a running device runs on, and a held one stays held', async () => {
  const world = new DeviceWorld()
  await world.running()
  world.broker.lose = (topic) => topic.includes('/rep/') || topic.includes('/lock/')
  await world.pass(4 * TTL_MS)
  assert.ok(world.logged('contact-lost'))
  assert.ok(moving(world)())
  world.broker.lose = () => false
  const { grant } = await locked(world)
  await world.until('standstill', () => world.agent.guard.standing)
  world.broker.lose = (topic) => topic.includes('/rep/arm-7') || topic.includes('/lock/')
  await world.settled('the release', grant.release())
  await world.pass(4 * TTL_MS)
  assert.ok(world.board.trace().paused)
  world.broker.lose = () => false
  await world.until('motion', moving(world))
})

test('a lost free record costs no more than a heartbeat', async () => {
  const world = new DeviceWorld()
  await world.running()
  const { grant } = await locked(world)
  await world.until('standstill', () => world.agent.guard.standing)
  world.broker.lose = (topic) => topic.includes('/lock/')
  await world.settled('the release', grant.release())
  await world.until('motion', moving(world), TTL_MS)
})

test('a controller that is reset in motion stands by its hold until it was greeted, and then moves again', async () => {
  const world = new DeviceWorld()
  await world.running()
  world.board.reset()
  await world.until('motion', moving(world))
  assert.ok(world.logged('controller-lost'))
})

test('a controller that is reset while a lock covers the device stays paused, and is told the floors anew', async () => {
  const world = new DeviceWorld()
  await world.running()
  const { grant } = await locked(world)
  await world.until('the floor', () => world.board.trace().floors.aim === grant.fence(WIDE))
  world.broker.lose = (topic) => topic.includes('/rep/')
  world.board.reset()
  assert.equal(world.board.trace().floors.aim, 0)
  await world.until('the floor again', () => world.board.trace().floors.aim === grant.fence(WIDE))
  await world.until('standstill', () => world.agent.guard.standing)
  await world.pass(3000)
  assert.ok(world.board.trace().paused)
})

test('one controller that is away keeps the other standing', async () => {
  const world = new DeviceWorld({ boards: 2 })
  await world.running()
  world.boards[1]?.unplug()
  await world.until('standstill of the other', () => world.boards[0]?.trace().paused)
  assert.ok(
    world.agent.guard.holds.some((hold) => hold.id === 'controller:axis-2' && /unreachable/.test(hold.why))
  )
  await world.until('the state', () => world.state.state === 'fault')
  world.boards[1]?.plug()
  await world.until('motion', moving(world))
})

test('one controller that has not proved that it stands keeps the other standing when the lock falls', async () => {
  const world = new DeviceWorld({ boards: 2 })
  let stuck = false
  const wrap = (controller: Controller): Controller => {
    const pause: Controller['pause'] = async (why, withinMs = 0) => {
      if (stuck && controller.name === 'axis-2') throw new StandstillUnproved(withinMs, controller.status)
      return controller.pause(why, withinMs)
    }
    return changed(controller, { pause })
  }
  await world.running({ wrap })
  stuck = true
  const { grant } = await locked(world)
  await world.until('standstill of the other', () => world.agent.guard.posts[0]?.phase === 'standing')
  assert.equal(world.agent.guard.state, 'fault')
  assert.deepEqual(world.agent.guard.standingUnder, [])
  await world.settled('the release', grant.release())
  await world.pass(5000)
  assert.ok(world.boards[0]?.trace().paused)
  stuck = false
  await world.until('motion', moving(world))
})

/** Another hand on the line: a pause that the agent did not order. */
async function pausedByAnother(world: DeviceWorld): Promise<void> {
  const { wire } = world.board
  const pause = encodeFrame({ type: requestTypes.pause, seq: 200, link: 0, payload: Uint8Array.of(5) })
  world.board.wire = (bytes, to) => {
    if (to !== 'controller') return bytes
    world.board.wire = wire
    return Buffer.concat([pause, bytes])
  }
  await world.until('the pause', () => world.board.trace().paused)
}

test('a controller that was paused by another hand is set going again where the profile allows it', async () => {
  const world = new DeviceWorld()
  await world.running()
  await pausedByAnother(world)
  await world.until('a word about it', () => world.logged('controller-stopped'))
  await world.until('motion', () => world.agent.guard.state === 'running' && moving(world)())
  assert.equal(world.logged('controller-lost'), undefined)
})

test('a controller that was paused by another hand awaits a person where the profile says so', async () => {
  const world = new DeviceWorld({ autoRestart: false })
  world.start()
  await world.until('the operator hold', () =>
    world.agent.guard.holds.some((hold) => hold.kind === 'operator')
  )
  world.agent.guard.drop(['operator:restart'])
  await world.until('motion', moving(world))
  await pausedByAnother(world)
  await world.pass(5000)
  assert.ok(world.board.trace().paused)
  assert.deepEqual(
    world.agent.guard.holds.map((hold) => hold.id),
    ['operator:restart']
  )
})

test('a controller that fell silent and stopped is found again and set going', async () => {
  const world = new DeviceWorld()
  await world.running()
  const { wire } = world.board
  world.board.wire = () => new Uint8Array()
  await world.until('the silence to stop it', () => world.board.trace().paused, 90_000)
  world.board.wire = wire
  await world.until('motion', moving(world))
})

test('where a restart awaits a person, neither boot nor the end of a lock sets the device going', async () => {
  const world = new DeviceWorld({ autoRestart: false })
  world.start()
  await world.until('the operator hold', () =>
    world.agent.guard.holds.some((hold) => hold.kind === 'operator')
  )
  await world.pass(10_000)
  assert.ok(world.board.trace().paused)
  world.agent.guard.drop(['operator:restart'])
  await world.until('motion', moving(world))
  const { grant } = await locked(world)
  await world.until('standstill', () => world.agent.guard.standing)
  await world.settled('the release', grant.release())
  await world.pass(10_000)
  assert.ok(world.board.trace().paused)
})

test('a malformed record changes nothing', async () => {
  const world = new DeviceWorld()
  await world.running()
  world.broker.publish(world.topics.lock(WIDE), '{"lock":"*:aim","state":"held"}')
  await world.until('a word about it', () => world.logged('record-malformed'))
  assert.equal(world.agent.guard.state, 'running')
})
