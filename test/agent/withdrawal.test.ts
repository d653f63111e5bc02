import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openFleetConnection } from '../../src/client/index.ts'
import { aim, DEVICE, DeviceWorld } from '../support/device-world.ts'

async function withVersion16(): Promise<DeviceWorld> {
  const world = new DeviceWorld()
  await world.running()
  assert.equal((await world.pushed(aim(16, 0.5))).outcome, 'applied')
  await world.until('motion again', () => world.board.trace().moving)
  return world
}

/** An operator takes a push back, and asks what became of it as often as it takes. */
function operatorOf(world: DeviceWorld) {
  const { timers, broker } = world
  const clock = { now: () => timers.now(), wall: () => new Date(0), after: timers.after.bind(timers) }
  const connection = openFleetConnection({
    connect: broker.connect,
    clock,
    fleet: 'default',
    principal: 'desk',
    clientId: 'desk'
  })
  let asked = 0
  return async (push: string) => {
    asked += 1
    const request = { op: 'withdraw', id: `withdraw-${asked}`, push, reason: 'a trial' } as const
    return world.settled('the withdrawal', connection.call(request, 'withdrawn'))
  }
}

test('a device in the middle of an update that is withdrawn finishes it, and its answer is recorded', async () => {
  const world = await withVersion16()
  const withdraw = operatorOf(world)
  const push = await world.push(aim(17, 0.65))
  await world.until('the change to begin', () =>
    world.agent.guard.holds.some(({ kind }) => kind === 'config')
  )
  assert.equal((await withdraw(push)).outcome, 'withdrawn')
  assert.equal((await world.outcomeOf(push)).outcome, 'applied')
  await world.until('motion', () => world.board.trace().moving)
  assert.deepEqual(world.inForce, ['17, 0.65'])
  const { outcome, devices } = await withdraw(push)
  assert.equal(outcome, 'already-ended')
  assert.deepEqual(
    devices.map(({ device, state, version }) => [device, state, version]),
    [[DEVICE, 'applied', 17]]
  )
})

test('a device that only waits for its lock gives an update up that is withdrawn, and nothing is touched', async () => {
  const world = await withVersion16()
  const withdraw = operatorOf(world)
  const blocker = world.session('blocker', 'tool')
  await world.settled('contact', blocker.contact(10_000))
  const grant = await world.settled('the lock', blocker.acquire({ locks: ['*:aim'], wait: true }))
  const push = await world.push(aim(17, 0.65))
  await world.until('the wait for the lock', () => world.journal.endsWith('"step":"acquire"}\n'))
  await withdraw(push)
  const { outcome, code } = await world.outcomeOf(push)
  assert.deepEqual([outcome, code], ['refused', 'LK-3008'])
  await world.settled('the release', grant.release())
  await world.until('motion', () => world.board.trace().moving)
  assert.deepEqual(world.inForce, ['16, 0.50'])
  assert.equal((await withdraw(push)).devices[0]?.state, 'refused')
})
