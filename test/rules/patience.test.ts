import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Player, Story, TTL_MS } from '../support/fleet-story.ts'

const PATIENCE_MS = 60_000

function plant(): { story: Story; arms: Player[]; pusher: Player } {
  const story = new Story([{ lock: '*', patienceMs: PATIENCE_MS }])
  const arms = ['arm-1', 'arm-2'].map((name) => story.agent(`plant/${name}`, true))
  return { story, arms, pusher: story.pusher('node-7') }
}

const devicesOf = (story: Story, push: string): string[] =>
  (story.fleet.pushes.get(push)?.devices ?? []).map(({ device, state }) => `${device} ${state}`)

test('a device in contact that never answers a rolling push is named unreachable after the patience of the policy, its update is taken back, and the push goes on', () => {
  const { story, arms, pusher } = plant()
  const push = pusher.push('plant')
  story.pass(PATIENCE_MS - 1)
  assert.deepEqual(devicesOf(story, push), ['plant/arm-1 sent', 'plant/arm-2 waiting'])
  const mark = story.effects.length
  story.pass(1)
  assert.deepEqual(devicesOf(story, push), ['plant/arm-1 unreachable', 'plant/arm-2 sent'])
  assert.equal(story.fleet.pushes.get(push)?.devices[0]?.code, 'silent')
  assert.deepEqual(
    story.since(mark, 'update').map(({ device, push: handed }) => [device, handed === null]),
    [
      ['plant/arm-1', true],
      ['plant/arm-2', false]
    ]
  )
  arms[1]?.outcome(push)
  assert.equal(story.fleet.pushes.get(push)?.state, 'done')
  assert.equal(pusher.refusal(pusher.push('plant')), undefined)
})

test('an answer that comes after patience has ended is recorded', () => {
  const { story, arms, pusher } = plant()
  const push = pusher.push('plant/arm-1')
  story.pass(PATIENCE_MS)
  assert.equal(story.fleet.pushes.get(push)?.state, 'done')
  arms[0]?.outcome(push)
  assert.deepEqual(devicesOf(story, push), ['plant/arm-1 applied'])
  assert.equal(pusher.last('push')?.push.devices[0]?.state, 'applied')
})

test('patience never ends with a device that waits for its lock, nor before it runs anew when it has been granted one', () => {
  const { story, arms, pusher } = plant()
  const wide = story.tool('operator')
  const held = wide.ask('plant:aim')
  const push = pusher.push('plant/arm-1')
  const own = arms[0]?.ask('plant/arm-1:aim') ?? ''
  story.pass(3 * PATIENCE_MS)
  wide.release(held)
  story.pass(PATIENCE_MS + 1000)
  story.pass(PATIENCE_MS - 2000)
  arms[0]?.release(own)
  story.pass(PATIENCE_MS - 1)
  assert.deepEqual(devicesOf(story, push), ['plant/arm-1 sent'])
  story.pass(PATIENCE_MS)
  assert.deepEqual(devicesOf(story, push), ['plant/arm-1 unreachable'])
})

test('a change that is over and done within the patience makes it run anew, though nobody looked meanwhile', () => {
  const { story, arms, pusher } = plant()
  const push = pusher.push('plant/arm-1')
  story.pass(PATIENCE_MS - 1000)
  arms[0]?.release(arms[0].ask('plant/arm-1:safety'))
  story.pass(PATIENCE_MS)
  assert.deepEqual(devicesOf(story, push), ['plant/arm-1 sent'])
})

test('patience runs only while Locksmith listens: it begins anew with each start', () => {
  const { story, arms, pusher } = plant()
  const push = pusher.push('plant/arm-1')
  story.pass(PATIENCE_MS - 1)
  story.restart({ rebooted: true })
  for (const arm of arms) arm.beat()
  story.pass(PATIENCE_MS - 1)
  assert.deepEqual(devicesOf(story, push), ['plant/arm-1 sent'])
  story.pass(1)
  assert.deepEqual(devicesOf(story, push), ['plant/arm-1 unreachable'])
})

test('patience is no matter of a push together: its lock and its pusher bound it', () => {
  const { story, arms, pusher } = plant()
  pusher.ask('plant:aim')
  const under = { lock: 'plant:aim', fence: story.lock('plant:aim').fence }
  for (const arm of arms) {
    arm.standing = [under]
    arm.beat()
  }
  const push = pusher.push('plant', { under })
  story.pass(PATIENCE_MS + TTL_MS)
  assert.deepEqual(devicesOf(story, push), ['plant/arm-1 sent', 'plant/arm-2 waiting'])
})
