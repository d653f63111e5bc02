import assert from 'node:assert/strict'
import { test } from 'node:test'
import { advance, nextDue } from '../../src/rules/expiry.ts'
import { Story, TTL_MS } from '../support/fleet-story.ts'

const DELAY_MS = 10_000

test('a lock whose owner falls silent is orphaned when the lease has run out, and its floor moves at once', () => {
  const story = new Story()
  const ghost = story.tool('ghost')
  ghost.ask('*:aim')
  ghost.die()
  const { fence } = story.lock('*:aim')
  story.pass(TTL_MS - 1)
  assert.equal(story.lock('*:aim').state, 'held')
  story.pass(1)
  const { state, floor, orphan } = story.lock('*:aim')
  assert.deepEqual([state, floor, orphan?.cause], ['orphaned', fence + 1, 'lease-ran-out'])
})

test('a ghost is reclaimed when lockDelay has passed after its lease, without anybody asking', () => {
  const story = new Story()
  const ghost = story.tool('ghost')
  ghost.ask('*:aim')
  ghost.die()
  story.pass(TTL_MS + DELAY_MS - 1)
  assert.equal(story.lock('*:aim').state, 'orphaned')
  story.pass(1)
  assert.equal(story.lock('*:aim').state, 'free')
})

test('who waits for a ghost is granted the moment it is reclaimed, under a higher fence', () => {
  const story = new Story()
  const [ghost, waiter] = [story.tool('ghost'), story.tool('waiter')]
  ghost.ask('*:aim')
  const old = story.lock('*:aim').fence
  waiter.ask('*:aim')
  ghost.die()
  story.pass(TTL_MS + DELAY_MS)
  assert.deepEqual(waiter.holds, ['*:aim'])
  assert.ok(story.lock('*:aim').fence > old)
})

test('lockDelay is 0 when an agent or a push held it and every device below has declared that its controllers enforce', () => {
  const story = new Story()
  story.agent('plant-1/arm-7', true)
  story.agent('plant-1/arm-8', true)
  const ghost = story.pusher('node-7')
  ghost.ask('plant-1:aim')
  ghost.die()
  story.pass(TTL_MS)
  assert.equal(story.lock('plant-1:aim').state, 'free')
})

test('lockDelay counts when one device below has not declared it, when there is none, and for every tool', () => {
  for (const [second, holder] of [
    [undefined, 'push'],
    [false, 'push'],
    [true, 'tool']
  ] as const) {
    const story = new Story()
    story.agent('plant-1/arm-7', true)
    story.agent('plant-1/arm-8', second)
    const ghost = holder === 'push' ? story.pusher('node-7') : story.tool('node-7')
    ghost.ask('plant-1:aim')
    ghost.die()
    story.pass(TTL_MS + DELAY_MS - 1)
    assert.equal(story.lock('plant-1:aim').state, 'orphaned', `${second} ${holder}`)
  }
  const empty = new Story()
  const ghost = empty.pusher('node-7')
  ghost.ask('plant-1:aim')
  ghost.die()
  empty.pass(TTL_MS + DELAY_MS - 1)
  assert.equal(empty.lock('plant-1:aim').state, 'orphaned')
})

test('after a restart a device counts as enforcing only once it has declared it to this life of Locksmith', () => {
  const story = new Story()
  const arm = story.agent('plant-1/arm-7', true)
  const ghost = story.pusher('node-7')
  ghost.ask('plant-1:aim')
  ghost.die()
  arm.die()
  story.pass(1000)
  story.restart()
  story.pass(TTL_MS)
  assert.equal(story.lock('plant-1:aim').state, 'orphaned')
})

test('a living owner keeps its lock as long as it sends heartbeats', () => {
  const story = new Story()
  const tool = story.tool('ops')
  tool.ask('*:aim')
  story.pass(10 * TTL_MS)
  assert.deepEqual(tool.holds, ['*:aim'])
})

test('an owner that comes back after its lease frees its orphan by leaving it out', () => {
  const story = new Story()
  const tool = story.tool('ops')
  const request = tool.ask('*:aim')
  tool.die()
  story.pass(TTL_MS + 1)
  tool.asks.delete(request)
  tool.beat()
  assert.equal(story.lock('*:aim').state, 'free')
})

test('an owner that comes back still at its last step keeps the orphan covered, and gets no grant of it', () => {
  const story = new Story()
  const tool = story.tool('ops')
  const request = tool.ask('*:aim')
  tool.die()
  story.pass(TTL_MS + 1)
  tool.beat()
  assert.equal(story.lock('*:aim').state, 'orphaned')
  assert.equal(tool.last('ended')?.request, request)
  assert.deepEqual(tool.last('heartbeat')?.holding, [])
})

test('the next due moment is never missed and never busy: after advancing to it, it lies ahead', () => {
  const story = new Story()
  const ghosts = ['a', 'b', 'c'].map((name) => story.tool(name))
  for (const [index, ghost] of ghosts.entries()) {
    ghost.ask(`line-${index}:aim`)
    ghost.die()
    story.pass(100)
  }
  let wakes = 0
  for (let due = nextDue(story.fleet, story.now); due !== undefined; due = nextDue(story.fleet, story.now)) {
    assert.ok(due > story.now, 'it lies ahead')
    story.now = due
    story.do(() => advance(story.fleet, story.now))
    wakes += 1
    if (wakes > 50) break
  }
  assert.ok(wakes <= 20, `${wakes} wakes for three ghosts`)
  assert.equal([...story.fleet.busy.values()].length, 0)
})

test('a ghost is free as soon as the last device below it has declared that its controllers enforce', () => {
  const story = new Story()
  story.agent('plant-1/arm-7', true)
  const late = story.agent('plant-1/arm-8')
  const ghost = story.pusher('node-7')
  ghost.ask('plant-1:aim')
  ghost.die()
  story.pass(TTL_MS + 1000)
  assert.equal(story.lock('plant-1:aim').state, 'orphaned')
  Object.assign(late.who, { enforces: true })
  late.beat()
  story.pass(1)
  assert.equal(story.lock('plant-1:aim').state, 'free')
})
