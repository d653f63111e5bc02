import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LockFence, Push } from '../../src/rules/fleet.ts'
import { leaseUntil } from '../../src/rules/lock.ts'
import { type Player, Story, TTL_MS } from '../support/fleet-story.ts'

const devicesOf = (story: Story, push: string): string[] =>
  (story.fleet.pushes.get(push)?.devices ?? []).map(({ device, state }) => `${device} ${state}`)

const stateOf = (story: Story, push: string): Push['state'] | undefined => story.fleet.pushes.get(push)?.state

function plant(): { story: Story; arms: Player[]; pusher: Player } {
  const story = new Story()
  const arms = ['arm-1', 'arm-2', 'arm-3'].map((name) => story.agent(`plant/${name}`, true))
  return { story, arms, pusher: story.pusher('node-7') }
}

function wide(story: Story, pusher: Player): LockFence {
  pusher.ask('plant:aim')
  return { lock: 'plant:aim', fence: story.lock('plant:aim').fence }
}

const stand = (arms: readonly Player[], under: LockFence): void => {
  for (const arm of arms) {
    arm.standing = [under]
    arm.beat()
  }
}

test('a rolling push hands the update to as many devices at once as it was told, and to the next as each answers', () => {
  const { story, arms, pusher } = plant()
  const push = pusher.push('plant', { atOnce: 2 })
  assert.deepEqual(devicesOf(story, push), ['plant/arm-1 sent', 'plant/arm-2 sent', 'plant/arm-3 waiting'])
  arms[0]?.outcome(push)
  assert.deepEqual(devicesOf(story, push), ['plant/arm-1 applied', 'plant/arm-2 sent', 'plant/arm-3 sent'])
  arms[1]?.outcome(push, 'refused')
  arms[2]?.outcome(push)
  assert.equal(stateOf(story, push), 'done')
  assert.equal(pusher.last('push')?.push.state, 'done')
})

test('the update that a device was handed goes when it has answered', () => {
  const { story, arms, pusher } = plant()
  const push = pusher.push('plant')
  const mark = story.effects.length
  arms[0]?.outcome(push)
  const updates = story.since(mark, 'update').map(({ device, push: handed }) => [device, handed === null])
  assert.deepEqual(updates, [
    ['plant/arm-1', true],
    ['plant/arm-2', false]
  ])
})

test('a late or repeated outcome leaves the update of a newer push alone', () => {
  const { story, arms, pusher } = plant()
  const first = pusher.push('plant/arm-1')
  arms[0]?.outcome(first)
  pusher.push('plant/arm-1')
  const mark = story.effects.length
  arms[0]?.outcome(first)
  assert.deepEqual(story.since(mark, 'update'), [])
  assert.equal(arms[0]?.last('noted')?.seq, arms[0]?.seq)
})

test('an outcome of a push that is unknown, or that was not for this device, is refused', () => {
  const { story, arms, pusher } = plant()
  const push = pusher.push('plant/arm-1')
  arms[1]?.outcome(push)
  assert.equal(arms[1]?.refusal(push), 'push-unknown')
  arms[1]?.outcome('never')
  assert.equal(arms[1]?.refusal('never'), 'push-unknown')
  assert.deepEqual(devicesOf(story, push), ['plant/arm-1 sent'])
})

test('a push excludes another of the same resource below an overlapping scope, not beside it', () => {
  const { story, arms, pusher } = plant()
  const first = pusher.push('plant/arm-1')
  assert.equal(pusher.refusal(pusher.push('plant')), 'push-under-way')
  assert.equal(pusher.refusal(pusher.push('plant/arm-2')), undefined)
  assert.equal(pusher.refusal(pusher.push('plant', { resource: 'safety' })), undefined)
  arms[0]?.outcome(first)
  assert.equal(pusher.refusal(pusher.push('plant/arm-1')), undefined)
  assert.equal(stateOf(story, first), 'done')
})

test('a push to where no agent has ever been is refused', () => {
  const { pusher } = plant()
  assert.equal(pusher.refusal(pusher.push('desert')), 'no-devices')
})

test('a repeated push request is answered with the same push; another name cannot take it over', () => {
  const { story, pusher } = plant()
  const push = pusher.push('plant')
  pusher.push('plant', { id: push })
  assert.equal([...story.fleet.pushes.values()].length, 1)
  const thief = story.tool('thief')
  thief.push('plant', { id: push })
  assert.equal(thief.refusal(push), 'request-of-another')
})

test('a push to devices of which none is in contact ends as unreachable once Locksmith has listened long enough', () => {
  const { story, arms, pusher } = plant()
  for (const arm of arms) arm.die()
  story.pass(TTL_MS)
  const push = pusher.push('plant', { atOnce: 3 })
  assert.equal(stateOf(story, push), 'open')
  story.pass(TTL_MS)
  assert.equal(stateOf(story, push), 'done')
  assert.deepEqual(
    devicesOf(story, push),
    arms.map(({ who }) => `${who.device} unreachable`)
  )
  const again = pusher.push('plant')
  assert.equal(stateOf(story, again), 'done')
})

test('a device is called unreachable only when Locksmith itself has been listening for two lease times', () => {
  const { story, arms, pusher } = plant()
  for (const arm of arms) arm.die()
  story.restart()
  pusher.beat()
  const push = pusher.push('plant', { atOnce: 3 })
  story.pass(2 * TTL_MS - 1)
  assert.equal(stateOf(story, push), 'open')
  story.pass(1)
  assert.equal(stateOf(story, push), 'done')
})

test('an answer that arrives after its device was called unreachable counts', () => {
  const { story, arms, pusher } = plant()
  const push = pusher.push('plant/arm-1')
  arms[0]?.die()
  story.pass(2 * TTL_MS)
  assert.deepEqual(devicesOf(story, push), ['plant/arm-1 unreachable'])
  arms[0]?.beat()
  arms[0]?.outcome(push)
  assert.deepEqual(devicesOf(story, push), ['plant/arm-1 applied'])
})

test('together, nothing is sent before every device in contact has proved that it stands under that very grant', () => {
  const { story, arms, pusher } = plant()
  const under = wide(story, pusher)
  const push = pusher.push('plant', { under, atOnce: 3 })
  stand(arms.slice(0, 2), under)
  stand(arms.slice(2), { ...under, fence: under.fence - 1 })
  pusher.push('plant', { under, id: push })
  assert.ok(devicesOf(story, push).every((device) => device.endsWith('waiting')))
  stand(arms.slice(2), under)
  pusher.push('plant', { under, id: push })
  assert.ok(devicesOf(story, push).every((device) => device.endsWith('sent')))
})

test('together, a device that has gone is waited for until it is unreachable, and then left out', () => {
  const { story, arms, pusher } = plant()
  const under = wide(story, pusher)
  arms[2]?.die()
  const push = pusher.push('plant', { under, atOnce: 3 })
  stand(arms.slice(0, 2), under)
  pusher.push('plant', { under, id: push })
  assert.ok(devicesOf(story, push).every((device) => device.endsWith('waiting')))
  story.pass(2 * TTL_MS)
  pusher.push('plant', { under, id: push })
  assert.deepEqual(devicesOf(story, push), [
    'plant/arm-1 sent',
    'plant/arm-2 sent',
    'plant/arm-3 unreachable'
  ])
})

test('together, no standstill of a device that has lost contact counts', () => {
  const { story, arms, pusher } = plant()
  const under = wide(story, pusher)
  stand(arms, under)
  arms[2]?.die()
  story.pass(TTL_MS + 1)
  const push = pusher.push('plant', { under, atOnce: 3 })
  assert.ok(devicesOf(story, push).every((device) => device.endsWith('waiting')))
})

test('together, each update waits for a word of the pusher: a dead one sends nothing more', () => {
  const { story, arms, pusher } = plant()
  const under = wide(story, pusher)
  stand(arms, under)
  const push = pusher.push('plant', { under })
  pusher.die()
  arms[0]?.outcome(push)
  assert.deepEqual(devicesOf(story, push), [
    'plant/arm-1 applied',
    'plant/arm-2 waiting',
    'plant/arm-3 waiting'
  ])
})

test('when the grant ends the push is withdrawn: what was not delivered is taken back, what was sent may be answered', () => {
  const { story, arms, pusher } = plant()
  const under = wide(story, pusher)
  stand(arms, under)
  const push = pusher.push('plant', { under })
  const mark = story.effects.length
  story.unlock('plant:aim')
  assert.equal(stateOf(story, push), 'withdrawn')
  assert.deepEqual(
    story.since(mark, 'update').map(({ device, push: handed }) => [device, handed]),
    [['plant/arm-1', null]]
  )
  assert.deepEqual(devicesOf(story, push), ['plant/arm-1 sent', 'plant/arm-2 refused', 'plant/arm-3 refused'])
  assert.equal(pusher.last('push')?.push.state, 'withdrawn')
  const late = story.effects.length
  arms[0]?.outcome(push)
  assert.deepEqual(devicesOf(story, push)[0], 'plant/arm-1 applied')
  assert.deepEqual(story.since(late, 'update'), [])
})

test('a pusher that gives its lock back while an update is out has not stopped: the lock is free at the answer, or when the lease has run out', () => {
  for (const answered of [true, false]) {
    const { story, arms, pusher } = plant()
    const under = wide(story, pusher)
    stand(arms, under)
    const push = pusher.push('plant', { under })
    pusher.release(story.lock('plant:aim').request ?? '')
    assert.equal(story.lock('plant:aim').state, 'orphaned')
    if (answered) arms[0]?.outcome(push)
    else {
      const left = leaseUntil(story.fleet, story.lock('plant:aim')) - story.now
      story.pass(left - 1)
      assert.equal(story.lock('plant:aim').state, 'orphaned')
      story.pass(1)
    }
    assert.equal(story.lock('plant:aim').state, 'free')
  }
})

test('a push under an old fence, a lock not held, or one that does not cover, is refused', () => {
  const { story, pusher } = plant()
  const under = wide(story, pusher)
  const refusalOf = (wrong: LockFence, resource = 'aim'): string | undefined =>
    pusher.refusal(pusher.push('plant', { under: wrong, resource }))
  assert.equal(refusalOf({ ...under, fence: under.fence - 1 }), 'old-fence')
  assert.equal(refusalOf({ ...under, fence: under.fence + 1 }), 'lock-not-held')
  assert.equal(refusalOf({ lock: 'nonsense', fence: 1 }), 'bad-lock-name')
  assert.equal(refusalOf(under, 'safety'), 'lock-does-not-cover')
  const other = story.pusher('other')
  assert.equal(other.refusal(other.push('plant', { under })), 'lock-not-held')
})

test('the rest of a rolling push goes on after a restart of Locksmith', () => {
  const { story, arms, pusher } = plant()
  const push = pusher.push('plant')
  arms[0]?.outcome(push)
  story.restart()
  for (const arm of arms) arm.beat()
  arms[1]?.outcome(push)
  arms[2]?.outcome(push)
  assert.equal(stateOf(story, push), 'done')
})

test('the first word of a device about an update stands', () => {
  const { story, arms, pusher } = plant()
  const push = pusher.push('plant/arm-1')
  arms[0]?.outcome(push, 'unverified')
  arms[0]?.outcome(push, 'applied')
  assert.deepEqual(devicesOf(story, push), ['plant/arm-1 unverified'])
})

test('a device that says goodbye in the middle of a push is unreachable at once', () => {
  const { story, arms, pusher } = plant()
  story.pass(2 * TTL_MS)
  const push = pusher.push('plant/arm-1')
  story.pass(1000)
  arms[0]?.goodbye()
  assert.deepEqual(devicesOf(story, push), ['plant/arm-1 unreachable'])
})

test('who meets a push that is under way learns whose it is, since when, and of whom it awaits an answer', () => {
  const story = new Story()
  for (const device of ['plant-2/arm-1', 'plant-2/arm-2']) story.agent(device)
  const [first, second] = [story.pusher('first'), story.pusher('second')]
  const push = first.push('plant-2', { atOnce: 2 })
  story.players.find(({ name }) => name === 'arm-1')?.outcome(push)
  story.pass(3000)
  second.push('plant-2/arm-1')
  assert.deepEqual(second.last('refused')?.refusal, {
    ...{ why: 'push-under-way', push, scope: 'plant-2', by: 'first', sinceMs: 3000 },
    awaits: ['plant-2/arm-2']
  })
})

test('a push under a lock that another has is told who, since when and until when', () => {
  const story = new Story()
  story.agent('plant-2/arm-1')
  const [holder, other] = [story.tool('holder'), story.pusher('other')]
  holder.ask('*:aim')
  story.pass(2000)
  other.push('plant-2', { under: { lock: '*:aim', fence: story.lock('*:aim').fence } })
  const refused = other.last('refused')?.refusal
  assert.ok(refused?.why === 'lock-not-held')
  const { owner, heldMs, freedBy } = refused.holder ?? {}
  assert.deepEqual([owner?.name, heldMs, freedBy?.inMs], ['holder', 2000, 15 * 60_000 - 2000])
  other.push('plant-2', { under: { lock: '*:aim', fence: story.lock('*:aim').fence - 1 } })
  const old = other.last('refused')?.refusal
  assert.equal(old?.why === 'old-fence' && old.holder?.owner?.name, 'holder')
})
