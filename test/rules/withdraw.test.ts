import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Player, Story } from '../support/fleet-story.ts'

function plant(): { story: Story; arms: Player[]; pusher: Player } {
  const story = new Story()
  const arms = ['arm-1', 'arm-2'].map((name) => story.agent(`plant/${name}`, true))
  return { story, arms, pusher: story.pusher('node-7') }
}

const devicesOf = (story: Story, push: string): string[] =>
  (story.fleet.pushes.get(push)?.devices ?? []).map(({ device, state }) => `${device} ${state}`)

test('a rolling push that is withdrawn serves nobody else, takes back what is retained, tells its sender why, and makes room', () => {
  const { story, pusher } = plant()
  const push = pusher.push('plant')
  const mark = story.effects.length
  const answer = story.withdraw(push, { reason: 'arm-1 hangs' })
  assert.equal(answer.op === 'withdrawn' && answer.outcome, 'withdrawn')
  assert.deepEqual(devicesOf(story, push), ['plant/arm-1 unreachable', 'plant/arm-2 refused'])
  assert.deepEqual(
    story.since(mark, 'update').map(({ device, push: handed }) => [device, handed]),
    [['plant/arm-1', null]]
  )
  const told = pusher.last('push')?.push
  assert.deepEqual([told?.state, told?.why], ['withdrawn', 'operator withdrew it: arm-1 hangs'])
  assert.equal(pusher.refusal(pusher.push('plant')), undefined)
})

test('an answer that comes after the withdrawal is recorded, and leaves the update of a newer push alone', () => {
  const { story, arms, pusher } = plant()
  const push = pusher.push('plant/arm-1')
  story.withdraw(push)
  const newer = pusher.push('plant/arm-1')
  const mark = story.effects.length
  arms[0]?.outcome(push)
  assert.deepEqual(devicesOf(story, push), ['plant/arm-1 applied'])
  assert.deepEqual(devicesOf(story, newer), ['plant/arm-1 sent'])
  assert.deepEqual(story.since(mark, 'update'), [])
  assert.equal(arms[0]?.last('noted')?.seq, arms[0]?.seq)
})

test('a withdrawal is audited once and has one outcome: its repeat is answered alike, another finds that it has ended', () => {
  const { story, pusher } = plant()
  const push = pusher.push('plant')
  const mark = story.effects.length
  const [first, repeat] = [1, 2].map(() => story.withdraw(push, { operation: 'op-1' }))
  const other = story.withdraw(push)
  assert.deepEqual(
    [first, repeat, other].map((answer) => answer?.op === 'withdrawn' && answer.outcome),
    ['withdrawn', 'withdrawn', 'already-ended']
  )
  assert.deepEqual(
    story.since(mark, 'audit').map(({ entry }) => [entry.what, entry.by, entry.detail.reason]),
    [['push-withdrawn', 'operator', 'a trial']]
  )
})

test('a push that is unknown, or taken back without a reason, is refused', () => {
  const { story, pusher } = plant()
  const push = pusher.push('plant')
  const [unknown, silent] = [story.withdraw('never'), story.withdraw(push, { reason: ' ' })]
  assert.deepEqual(
    [unknown, silent].map((answer) => answer.op === 'failed' && answer.refusal.why),
    ['push-unknown', 'reason-missing']
  )
  assert.equal(story.fleet.pushes.get(push)?.state, 'open')
})

test('together, a withdrawn push keeps its lock until the update that is out was answered or the lease has run out', () => {
  const { story, arms, pusher } = plant()
  pusher.ask('plant:aim')
  const under = { lock: 'plant:aim', fence: story.lock('plant:aim').fence }
  for (const arm of arms) {
    arm.standing = [under]
    arm.beat()
  }
  const push = pusher.push('plant', { under })
  story.withdraw(push)
  assert.deepEqual(devicesOf(story, push), ['plant/arm-1 sent', 'plant/arm-2 refused'])
  pusher.release(story.lock('plant:aim').request ?? '')
  assert.equal(story.lock('plant:aim').state, 'orphaned')
  arms[0]?.outcome(push)
  assert.equal(story.lock('plant:aim').state, 'free')
})
