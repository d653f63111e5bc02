import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agentState } from '../../src/protocol/messages.ts'
import { DEVICE, DeviceWorld } from '../support/device-world.ts'

const CLIENT = 'locksmith-agent-default-arm-7'

test('the retained state says what the device is, what holds it, and follows the schema', async () => {
  const world = new DeviceWorld()
  await world.running()
  await world.until('the state', () => world.state?.state === 'running')
  const { device, kind, online, holds, controllers, boot } = agentState.parse(world.state)
  assert.deepEqual(
    { device, kind, online, holds, boot },
    { device: DEVICE, kind: 'arm', online: true, holds: [], boot: 'boot-1' }
  )
  assert.deepEqual(
    controllers.map(({ name, connected, paused, enforces }) => ({ name, connected, paused, enforces })),
    [{ name: 'axis-1', connected: true, paused: false, enforces: true }]
  )
})

test('an old will that comes late is corrected', async () => {
  const world = new DeviceWorld()
  await world.running()
  await world.until('the state', () => world.state?.state === 'running')
  const topic = world.topics.agent('arm-7')
  world.broker.publish(topic, JSON.stringify({ ...world.state, online: false }), true)
  assert.equal(world.state.online, false)
  await world.until('the correction', () => world.state.online)
})

test('whoever overwrites the state again and again meets one correction a second, not a flood', async () => {
  const world = new DeviceWorld()
  await world.running()
  await world.until('the state', () => world.state?.state === 'running')
  const topic = world.topics.agent('arm-7')
  const before = world.broker.seen.length
  for (let round = 0; round < 100; round += 1) {
    world.broker.publish(topic, `{"round":${round}}`, true)
    await world.pass(20)
  }
  const corrections = world.broker.seen
    .slice(before)
    .filter((one) => one.topic === topic && !one.payload.includes('round'))
  assert.ok(
    corrections.length >= 1 && corrections.length <= 4,
    `${corrections.length} corrections in two seconds`
  )
  await world.until('the last correction', () => world.state.online)
})

test('a lost connection shows as offline by the will, and the state is told again when it is back', async () => {
  const world = new DeviceWorld()
  await world.running()
  await world.until('the state', () => world.state?.online)
  world.broker.cut(CLIENT, 2000)
  assert.equal(agentState.parse(world.state).online, false)
  await world.until('the state again', () => world.state.online && world.state.state === 'running')
})

test('an agent that is stopped says that it is offline and leaves the latch as it is', async () => {
  const world = new DeviceWorld()
  await world.running()
  await world.settled('the end', world.agent.stop())
  await world.pass(10)
  assert.equal(world.state.online, false)
  assert.equal(world.board.trace().paused, false)
})
