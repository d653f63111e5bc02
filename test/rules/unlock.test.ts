import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Story, TTL_MS } from '../support/fleet-story.ts'

const DELAY_MS = 10_000

test('a ghost whose lease and lockDelay have passed is cleared at once', () => {
  const story = new Story([{ lock: '*', onOrphan: 'wait-for-operator' }])
  const ghost = story.tool('ghost')
  ghost.ask('*:aim')
  const { fence } = story.lock('*:aim')
  ghost.die()
  story.pass(TTL_MS + DELAY_MS)
  const reply = story.unlock('*:aim')
  assert.ok(reply.op === 'unlocked')
  assert.equal(reply.freeInMs, 0)
  assert.deepEqual([reply.outcome.outcome, reply.outcome.fence], ['cleared', fence])
  assert.equal(story.lock('*:aim').state, 'free')
})

test('a living owner is told at once, and nothing is granted before its lease and lockDelay have passed', () => {
  const story = new Story()
  const [owner, next] = [story.tool('owner'), story.tool('next')]
  const request = owner.ask('*:aim')
  next.ask('*:aim')
  const reply = story.unlock('*:aim')
  assert.ok(reply.op === 'unlocked')
  assert.equal(reply.freeInMs, TTL_MS + DELAY_MS)
  assert.equal(owner.last('ended')?.request, request)
  assert.equal(owner.last('ended')?.how, 'cleared')
  story.pass(TTL_MS + DELAY_MS - 1)
  assert.deepEqual(next.holds, [])
  story.pass(1)
  assert.deepEqual(next.holds, ['*:aim'])
})

test('as soon as the owner answers that it has stopped, the lock is free', () => {
  const story = new Story()
  const [owner, next] = [story.tool('owner'), story.tool('next')]
  const request = owner.ask('*:aim')
  next.ask('*:aim')
  story.unlock('*:aim')
  owner.release(request)
  assert.deepEqual(next.holds, ['*:aim'])
})

test('a renewal after the clearing does not lengthen it: the owner has been told', () => {
  const story = new Story()
  const owner = story.tool('owner')
  owner.ask('*:aim')
  story.unlock('*:aim')
  story.pass(TTL_MS + DELAY_MS)
  assert.equal(story.lock('*:aim').state, 'free')
})

test('a free lock is already free, also one that nobody ever asked for', () => {
  const story = new Story()
  const reply = story.unlock('plant-9:aim')
  assert.ok(reply.op === 'unlocked')
  assert.deepEqual([reply.outcome.outcome, reply.freeInMs], ['already-free', null])
})

test('another grant since the operator looked is not cleared', () => {
  const story = new Story()
  const [one, two] = [story.tool('one'), story.tool('two')]
  const request = one.ask('*:aim')
  const seen = story.lock('*:aim').fence
  two.ask('*:aim')
  one.release(request)
  const reply = story.unlock('*:aim', { fence: seen })
  assert.ok(reply.op === 'unlocked')
  assert.equal(reply.outcome.outcome, 'changed')
  assert.deepEqual(two.holds, ['*:aim'])
})

test('an operation has one terminal outcome: its repeat is answered alike and clears nothing more', () => {
  const story = new Story()
  const [one, two] = [story.tool('one'), story.tool('two')]
  const request = one.ask('*:aim')
  const first = story.unlock('*:aim', { operation: 'op' })
  one.release(request)
  two.ask('*:aim')
  const again = story.unlock('*:aim', { operation: 'op' })
  assert.ok(first.op === 'unlocked' && again.op === 'unlocked')
  assert.deepEqual(again.outcome.outcome, first.outcome.outcome)
  assert.equal(again.outcome.fence, first.outcome.fence)
  assert.deepEqual(two.holds, ['*:aim'])
})

test('an unlock needs a reason and a lock', () => {
  const story = new Story()
  for (const [lock, reason, why] of [
    ['*:aim', '  ', 'reason-missing'],
    ['aim', 'why not', 'bad-lock-name']
  ] as const) {
    const reply = story.unlock(lock, { reason, fence: 1 })
    assert.equal(reply.op === 'failed' && reply.refusal.why, why)
  }
})

test('with grace a living owner may go on until then, and the answer names when it is free at the latest', () => {
  const story = new Story()
  const owner = story.tool('owner')
  owner.ask('*:aim')
  const reply = story.unlock('*:aim', { graceMs: 30_000 })
  assert.ok(reply.op === 'unlocked')
  story.pass(29_999)
  assert.deepEqual(owner.holds, ['*:aim'])
  story.pass(1)
  assert.equal(story.lock('*:aim').orphan?.cause, 'cleared')
  story.pass((reply.freeInMs ?? 0) - 30_000)
  assert.equal(story.lock('*:aim').state, 'free')
})

test('with grace a living owner is asked at once to finish, and again in each heartbeat reply until it has', () => {
  const story = new Story()
  const [owner, next] = [story.tool('owner'), story.tool('next')]
  const request = owner.ask(['*:aim', '*:safety'])
  next.ask('*:aim')
  const { fence } = story.lock('*:aim')
  story.unlock('*:aim', { graceMs: 30_000, operation: 'op', reason: 'needed elsewhere' })
  const asked = { operation: 'op', by: 'operator', reason: 'needed elsewhere', inMs: 30_000 }
  const told = owner.last('asked')
  assert.deepEqual([told?.request, told?.lock, told?.fence, told?.asked], [request, '*:aim', fence, asked])
  story.pass(1000)
  owner.beat()
  assert.deepEqual(
    owner.last('heartbeat')?.holding.map((held) => [held.lock, held.asked]),
    [
      ['*:aim', { ...asked, inMs: 29_000 }],
      ['*:safety', undefined]
    ]
  )
  owner.release(request)
  assert.deepEqual(next.holds, ['*:aim'])
})

test('with grace, a ghost is not given any: it is cleared at once', () => {
  const story = new Story([{ lock: '*', onOrphan: 'wait-for-operator' }])
  const ghost = story.tool('ghost')
  ghost.ask('*:aim')
  ghost.die()
  story.pass(TTL_MS + DELAY_MS)
  story.unlock('*:aim', { graceMs: 60_000 })
  assert.equal(story.lock('*:aim').state, 'free')
})

test('an unlock is in the audit with who, why, what fence and what came of it', () => {
  const story = new Story()
  story.tool('owner').ask('*:aim')
  const mark = story.effects.length
  story.unlock('*:aim', { reason: 'it hangs' })
  const entry = story.since(mark, 'audit').find(({ entry: { what } }) => what === 'unlock')?.entry
  assert.equal(entry?.by, 'operator')
  assert.equal(entry?.detail.reason, 'it hangs')
  assert.equal(entry?.detail.outcome, 'cleared')
  assert.equal(entry?.detail.fence, story.lock('*:aim').fence)
})

test('clearing one of two locks of a request leaves the other to its owner', () => {
  const story = new Story()
  const owner = story.tool('owner')
  owner.ask(['*:aim', '*:safety'])
  story.unlock('*:aim')
  assert.deepEqual(owner.holds, ['*:safety'])
  owner.beat()
  assert.deepEqual(
    owner.last('heartbeat')?.holding.map(({ lock }) => lock),
    ['*:safety']
  )
})

test('a short grace ends when it was said to end, however far the next lease lies', () => {
  const story = new Story()
  const owner = story.tool('owner')
  owner.ask('*:aim')
  story.unlock('*:aim', { graceMs: 1000 })
  story.pass(999)
  assert.deepEqual(owner.holds, ['*:aim'])
  story.pass(1)
  assert.deepEqual(owner.holds, [])
})
