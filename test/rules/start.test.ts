import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fleet } from '../../src/rules/fleet.ts'
import { deaf, listening, start } from '../../src/rules/start.ts'
import { Story, TTL_MS } from '../support/fleet-story.ts'

const DELAY_MS = 10_000

function withGhost(): Story {
  const story = new Story()
  const ghost = story.tool('ghost')
  ghost.ask('*:aim')
  ghost.die()
  return story
}

test('term grows at every start, and a new block of fences begins', () => {
  const story = withGhost()
  const before = story.fleet.meta
  story.restart()
  assert.equal(story.fleet.meta.term, before.term + 1)
  assert.ok(story.fleet.meta.fenceNext >= before.fenceLimit)
})

test('a stored lock is marked unheard, and its owner’s first heartbeat clears the mark before its reply', () => {
  const story = new Story()
  const owner = story.tool('owner')
  owner.ask('*:aim')
  story.restart()
  assert.deepEqual(story.lock('*:aim').unheard, { since: story.now, term: story.fleet.meta.term })
  owner.beat()
  assert.equal(story.lock('*:aim').unheard, null)
  story.pass(10 * TTL_MS)
  assert.deepEqual(owner.holds, ['*:aim'])
})

test('a living owner loses nothing over a restart, also when Locksmith was away longer than a lease', () => {
  const story = new Story()
  const owner = story.tool('owner')
  owner.ask('*:aim')
  story.now += 10 * TTL_MS
  story.restart()
  owner.beat()
  story.pass(10 * TTL_MS)
  assert.deepEqual(owner.holds, ['*:aim'])
})

test('a ghost found at the start is free one ttl and lockDelay after it', () => {
  const story = withGhost()
  story.restart()
  story.pass(TTL_MS - 1)
  assert.equal(story.lock('*:aim').state, 'held')
  story.pass(1)
  assert.equal(story.lock('*:aim').orphan?.cause, 'unheard')
  story.pass(DELAY_MS)
  assert.equal(story.lock('*:aim').state, 'free')
})

test('a crash loop keeps no ghost alive: the mark counts from its first setting', () => {
  const story = withGhost()
  story.restart()
  const { since } = story.lock('*:aim').unheard ?? {}
  for (let crashes = 0; crashes < 2; crashes += 1) {
    story.pass(TTL_MS / 2 - 100)
    story.restart()
    assert.equal(story.lock('*:aim').unheard?.since, since)
  }
  story.pass(TTL_MS / 3)
  assert.equal(story.lock('*:aim').state, 'orphaned')
  // The mark is of an earlier start, perhaps from a backup: one ttl of lease may be left.
  assert.equal(story.lock('*:aim').orphan?.leaseUntil, story.now + TTL_MS)
  story.restart()
  story.pass(TTL_MS + DELAY_MS)
  assert.equal(story.lock('*:aim').state, 'free')
})

test('a crash loop takes no lock from an owner that lives', () => {
  const story = new Story()
  const owner = story.tool('owner')
  owner.ask('*:aim')
  for (let crashes = 0; crashes < 10; crashes += 1) {
    story.pass(TTL_MS / 2)
    story.restart()
  }
  assert.deepEqual(owner.holds, ['*:aim'])
})

test('while the broker is away nothing is reclaimed: living owners could not be heard', () => {
  const story = withGhost()
  story.restart({}, false)
  story.pass(10 * TTL_MS)
  assert.equal(story.lock('*:aim').state, 'held')
  story.do(() => listening(story.fleet, story.now))
  story.pass(TTL_MS / 3 - 1)
  assert.equal(story.lock('*:aim').state, 'held')
  story.pass(1)
  assert.equal(story.lock('*:aim').state, 'orphaned')
})

test('a start that finds neither a status at the broker nor a fence file, though its store is not new, grants nothing before every lease that it may not know of is over', () => {
  const story = new Story()
  story.restart({ noWitness: true })
  const tool = story.tool('asker')
  tool.ask('plant-3:aim')
  story.pass(TTL_MS + DELAY_MS - 1)
  assert.deepEqual(tool.holds, [])
  story.pass(1)
  assert.deepEqual(tool.holds, ['plant-3:aim'])
})

test('what it waits for outlives a crash, after which its own status is at the broker again', () => {
  const story = new Story()
  story.restart({ noWitness: true })
  const { quietUntil } = story.fleet.meta
  assert.equal(quietUntil, story.now + TTL_MS)
  story.pass(100)
  story.restart()
  assert.equal(story.fleet.meta.quietUntil, quietUntil)
})

test('an owner that a start without a witness knows keeps what it holds, and a ghost is not freed before the quiet time is over', () => {
  const story = withGhost()
  story.pass(TTL_MS)
  const owner = story.tool('owner')
  owner.ask('*:safety')
  story.now += DELAY_MS
  story.restart({ noWitness: true })
  owner.beat()
  story.pass(TTL_MS - 1)
  assert.equal(story.lock('*:aim').state, 'orphaned')
  story.pass(1)
  assert.equal(story.lock('*:aim').state, 'free')
  assert.deepEqual(owner.holds, ['*:safety'])
})

test('a new store at an empty broker is a new fleet: it waits no longer than any', () => {
  const story = new Story()
  const { quietUntil } = story.fleet.meta
  assert.equal(quietUntil, 0)
  const fresh = new Fleet(story.fleet.options)
  start(fresh, { rebooted: false, knownFence: 0, knownLimit: 0, knownTerm: 0, noWitness: true }, story.now)
  assert.equal(fresh.meta.quietUntil, 0)
})

test('after a reboot of the machine a mark counts anew, for its clock began anew', () => {
  const story = withGhost()
  story.restart()
  story.now = 5000
  story.restart({ rebooted: true })
  assert.equal(story.lock('*:aim').unheard?.since, 5000)
  story.pass(TTL_MS + DELAY_MS)
  assert.equal(story.lock('*:aim').state, 'free')
})

test('after a reboot an orphan waits one full lease and its delay, by the new clock', () => {
  const story = withGhost()
  story.pass(TTL_MS)
  assert.equal(story.lock('*:aim').state, 'orphaned')
  story.now = 5000
  story.restart({ rebooted: true })
  story.pass(TTL_MS + DELAY_MS - 1)
  assert.equal(story.lock('*:aim').state, 'orphaned')
  story.pass(1)
  assert.equal(story.lock('*:aim').state, 'free')
})

test('the moment of orphaning survives a restart: nobody waits twice', () => {
  const story = withGhost()
  story.pass(TTL_MS)
  const { freeAt } = story.lock('*:aim').orphan ?? {}
  story.restart()
  assert.equal(story.lock('*:aim').orphan?.freeAt, freeAt)
})

test('while it hears nothing Locksmith calls nobody unreachable', () => {
  const story = new Story()
  const arm = story.agent('plant/arm-1')
  const pusher = story.pusher('node-7')
  arm.die()
  const push = pusher.push('plant')
  story.do(() => deaf(story.fleet))
  story.pass(10 * TTL_MS)
  assert.equal(story.fleet.pushes.get(push)?.state, 'open')
  story.do(() => listening(story.fleet, story.now))
  story.pass(2 * TTL_MS)
  assert.equal(story.fleet.pushes.get(push)?.state, 'done')
})

test('an orphan that is overdue at the start is not reclaimed before living owners could be heard', () => {
  const story = withGhost()
  story.pass(TTL_MS)
  story.now += DELAY_MS
  story.restart()
  story.pass(TTL_MS / 3 - 1)
  assert.equal(story.lock('*:aim').state, 'orphaned')
  story.pass(1)
  assert.equal(story.lock('*:aim').state, 'free')
})
