import assert from 'node:assert/strict'
import { test } from 'node:test'
import { phaseOf } from '../../src/rules/request.ts'
import { Story, TTL_MS } from '../support/fleet-story.ts'

test('a request is granted once: a repeat is answered with the same fence', () => {
  const story = new Story()
  const tool = story.tool('ops')
  const request = tool.ask('*:aim')
  const first = tool.last('granted')?.locks
  tool.ask('*:aim', { request })
  assert.deepEqual(tool.last('granted')?.locks, first)
})

test('a repeat is answered with the same fence also after a restart of Locksmith', () => {
  const story = new Story()
  const tool = story.tool('ops')
  const request = tool.ask('*:aim')
  const first = tool.last('granted')?.locks
  story.restart()
  tool.ask('*:aim', { request })
  assert.deepEqual(tool.last('granted')?.locks, first)
})

test('a grant that has ended never comes back, not even after a restart', () => {
  const story = new Story()
  const tool = story.tool('ops')
  const request = tool.ask('*:aim')
  tool.release(request)
  tool.ask('*:aim', { request })
  assert.equal(tool.refusal(request), 'request-ended')
  story.restart()
  story.pass(TTL_MS / 3)
  tool.ask('*:aim', { request })
  assert.deepEqual(tool.holds, [])
})

test('a request that was lost is named until its owner has stopped, and is not granted again', () => {
  const story = new Story()
  const tool = story.tool('ops')
  const request = tool.ask('*:aim')
  story.unlock('*:aim')
  const ask = tool.asks.get(request)
  assert.ok(ask)
  ask.over = true
  story.pass(60 * 60_000)
  // Even when nobody remembers the grant any more.
  story.do(() => story.fleet.grants.remove(request))
  story.pass(60_000)
  assert.deepEqual(tool.holds, [])
  assert.equal([...story.fleet.waiters.values()].length, 0)
})

test('without waiting the answer is the grant, or who is in the way', () => {
  const story = new Story()
  const [holder, other] = [story.tool('holder'), story.tool('other')]
  holder.ask('*:aim')
  const request = other.ask('plant-2:aim', { wait: false })
  const refused = other.last('refused')
  assert.equal(refused?.request, request)
  assert.ok(refused?.refusal.why === 'busy' && refused.refusal.blockers[0]?.owner?.name === 'holder')
  assert.equal([...story.fleet.waiters.values()].length, 0)
})

test('without waiting, an asker that has no lease is told so', () => {
  const story = new Story()
  const tool = story.tool('ops')
  tool.die()
  story.pass(TTL_MS)
  assert.equal(tool.refusal(tool.ask('*:aim', { wait: false })), 'no-lease')
})

test('just after a start, one who does not wait is told when to try again', () => {
  const story = new Story()
  const tool = story.tool('ops')
  story.restart()
  const request = tool.ask('*:aim', { wait: false })
  assert.equal(tool.refusal(request), 'not-ready')
  const { refusal } = tool.last('refused') ?? {}
  assert.equal(refusal?.why === 'not-ready' && refusal.inMs, TTL_MS / 3)
})

test('a wanted lock that is not free is HOT: who wants it, who has it, since when, what frees it', () => {
  const story = new Story()
  const [holder, other] = [story.tool('node-7'), story.tool('other')]
  holder.ask('*:aim')
  story.pass(1000)
  const before = story.effects.length
  other.ask('*:aim')
  const [hot] = story.since(before, 'hot')
  assert.equal(hot?.hot.wantedBy, 'other')
  assert.equal(hot?.hot.blocker.owner?.name, 'node-7')
  assert.equal(hot?.hot.blocker.heldMs, 1000)
})

test('a session that holds a lock cannot queue for another', () => {
  const story = new Story()
  const tool = story.tool('ops')
  tool.ask('*:aim')
  assert.equal(tool.refusal(tool.ask('*:safety')), 'holds-already')
})

test('two locks of one request may not overlap', () => {
  const story = new Story()
  const tool = story.tool('ops')
  assert.equal(tool.refusal(tool.ask(['*:aim', 'plant-2:aim'])), 'own-locks-conflict')
  assert.equal(tool.refusal(tool.ask(['*:aim', '*:aim'])), 'own-locks-conflict')
})

test('an agent locks its own device only, neither wider nor narrower nor another', () => {
  const story = new Story()
  const arm = story.agent('plant-2/arm-7')
  for (const lock of ['*:aim', 'plant-2:aim', 'plant-2/arm-8:aim', 'plant-2/arm-7/axis:aim'])
    assert.equal(arm.refusal(arm.ask(lock)), 'outside-own-device', lock)
  arm.ask('plant-2/arm-7:aim')
  assert.deepEqual(arm.holds, ['plant-2/arm-7:aim'])
})

test('a request id names one wish of one principal', () => {
  const story = new Story()
  const [one, other] = [story.tool('one'), story.tool('other')]
  const request = one.ask('*:aim')
  other.ask('*:aim', { request })
  assert.equal(other.refusal(request), 'request-of-another')
  one.ask('*:safety', { request })
  assert.equal(one.refusal(request), 'request-of-another')
  const waiting = other.ask('*:aim')
  one.ask('*:aim', { request: waiting, wait: false })
  assert.equal(one.refusal(waiting), 'request-of-another')
  assert.equal([...story.fleet.waiters.values()].length, 1)
})

test('a name that heartbeats about a request of another learns that it is not its own', () => {
  const story = new Story()
  const [one, other] = [story.tool('one'), story.tool('other')]
  const request = one.ask('*:aim')
  other.asks.set(request, { locks: ['*:aim'], since: story.now })
  other.beat()
  assert.equal(other.refusal(request), 'request-of-another')
  assert.deepEqual(other.last('heartbeat')?.holding, [])
})

test('what a later heartbeat leaves out is given up: a waiter leaves the queue, a held lock is free', () => {
  const story = new Story()
  const [holder, waiter] = [story.tool('holder'), story.tool('waiter')]
  const held = holder.ask('*:aim')
  const wanted = waiter.ask('*:aim')
  waiter.asks.delete(wanted)
  waiter.beat()
  assert.equal([...story.fleet.waiters.values()].length, 0)
  holder.asks.delete(held)
  holder.beat()
  assert.equal(story.lock('*:aim').state, 'free')
})

test('a message that arrives after a heartbeat which no longer names it is stale', () => {
  const story = new Story()
  const tool = story.tool('ops')
  const late = tool.seq + 1
  tool.beat({ seq: tool.seq + 2 })
  const request = tool.ask('*:aim', { seq: late })
  assert.equal(tool.refusal(request), 'stale-message')
  assert.deepEqual(tool.holds, [])
})

test('a heartbeat that was sent before a request does not give it up', () => {
  const story = new Story()
  const tool = story.tool('ops')
  const before = tool.seq + 1
  tool.ask('*:aim', { seq: tool.seq + 2 })
  tool.asks.clear()
  tool.beat({ seq: before })
  assert.deepEqual(tool.holds, ['*:aim'])
})

test('a release by its owner frees at once, also what was orphaned', () => {
  const story = new Story()
  const tool = story.tool('ops')
  const request = tool.ask('*:aim')
  story.unlock('*:aim')
  assert.equal(story.lock('*:aim').state, 'orphaned')
  tool.release(request)
  assert.equal(story.lock('*:aim').state, 'free')
})

test('nobody releases the lock of another', () => {
  const story = new Story()
  const [holder, thief] = [story.tool('holder'), story.tool('thief')]
  const request = holder.ask('*:aim')
  thief.release(request)
  assert.deepEqual(holder.holds, ['*:aim'])
})

test('what an owner says it is doing is known with its first message, and replaced with each heartbeat', () => {
  const story = new Story()
  const tool = story.tool('ops')
  const request = tool.ask('*:aim', { phase: 'starting' })
  assert.equal(phaseOf(story.fleet, story.lock('*:aim')), 'starting')
  tool.asks.set(request, { locks: ['*:aim'], since: story.now, phase: 'applying 3/8' })
  tool.beat()
  assert.equal(phaseOf(story.fleet, story.lock('*:aim')), 'applying 3/8')
})

test('a resource that the fleet does not have is refused, with those that it has; a change of them acts at once', () => {
  const story = new Story()
  const tool = story.tool('ops')
  const asked = tool.ask(['a:safety', '*:aime'])
  assert.deepEqual(tool.last('refused')?.refusal, {
    why: 'unknown-resource',
    resource: 'aime',
    known: ['aim', 'safety']
  })
  assert.deepEqual(tool.holds, [])
  tool.asks.delete(asked)
  story.resources = ['aim', 'safety', 'aime']
  tool.ask('*:aime')
  assert.deepEqual(tool.holds, ['*:aime'])
})

test('nobody speaks for the request of another', () => {
  const story = new Story()
  const [tool, liar] = [story.tool('ops'), story.tool('liar')]
  const request = tool.ask('*:aim')
  liar.ask('*:aim', { request, phase: 'done' })
  assert.equal(phaseOf(story.fleet, story.lock('*:aim')), '')
})

test('a refusal that the asker caused says what of its own stands in the way, and since when', () => {
  const story = new Story([{ lock: '*:safety', mayLock: ['node-7'] }])
  const tool = story.tool('ops')
  const last = (): unknown => tool.last('refused')?.refusal
  tool.ask(['a:aim', 'a/b:aim'])
  assert.deepEqual(last(), { why: 'own-locks-conflict', lock: 'a/b:aim', other: 'a:aim' })
  tool.ask('a:safety')
  assert.deepEqual(last(), {
    why: 'forbidden-by-policy',
    lock: 'a:safety',
    name: 'ops',
    policyOf: 'a:safety',
    mayLock: ['node-7']
  })
  tool.asks.clear()
  const held = tool.ask('a:aim')
  story.pass(4000)
  tool.ask('b:aim')
  assert.deepEqual(last(), { why: 'holds-already', locks: ['a:aim'], heldMs: 4000 })
  tool.release(held)
  story.pass(500)
  tool.ask('a:aim', { request: held })
  assert.deepEqual(last(), { why: 'request-ended', how: 'released', agoMs: 500 })
})
