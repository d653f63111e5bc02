import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FENCE_BLOCK } from '../../src/rules/continuity.ts'
import { LOST_GRANT_DELAY_MS } from '../../src/rules/opening.ts'
import { Story, TTL_MS } from '../support/fleet-story.ts'

/** A fleet whose store was restored from before the grants that somebody still knows of. */
function restored(known = 5000): { story: Story; known: number } {
  const story = new Story()
  story.tool('old-owner').ask('plant-1:aim')
  const done = story.tool('done')
  done.release(done.ask('plant-2:aim'))
  story.restart({ knownFence: known })
  return { story, known }
}

test('whoever knows a higher granted fence than the store raises term and fences by a whole block above it', () => {
  const { story, known } = restored()
  const { fenceNext, term } = story.fleet.meta
  assert.ok(fenceNext >= known + FENCE_BLOCK)
  story.restart()
  assert.ok(story.fleet.meta.term > term)
})

test('every known grant is orphaned with its floor above the raise, and no floor lies above the next fence', () => {
  const { story, known } = restored()
  assert.equal(story.lock('plant-1:aim').orphan?.cause, 'fences-raised')
  for (const lock of story.fleet.locks.values()) {
    assert.ok(lock.floor > known, `${lock.name}: ${lock.floor}`)
    assert.ok(lock.floor <= story.fleet.meta.fenceNext, `${lock.name}: ${lock.floor}`)
  }
})

test('a floor never falls, and each new fence is not below the floor of its lock', () => {
  const { story } = restored()
  const floors = new Map([...story.fleet.locks.values()].map(({ name, floor }) => [name, floor]))
  story.pass(TTL_MS + LOST_GRANT_DELAY_MS)
  for (const { name, floor } of story.fleet.locks.values()) assert.ok(floor >= (floors.get(name) ?? 0), name)
  const tool = story.tool('fresh')
  tool.ask(['plant-1:aim', 'plant-2:aim'])
  for (const { lock, fence } of tool.last('granted')?.locks ?? [])
    assert.ok(fence >= (floors.get(lock) ?? 0), lock)
  assert.equal(tool.holds.length, 2)
})

test('in the quiet time of one ttl nothing is granted or reclaimed, and its end is stored', () => {
  const { story } = restored()
  const tool = story.tool('fresh')
  tool.ask('plant-3:aim')
  story.pass(TTL_MS - 1)
  assert.deepEqual(tool.holds, [])
  assert.equal(story.lock('plant-1:aim').state, 'orphaned')
  const { quietUntil } = story.fleet.meta
  story.restart()
  assert.equal(story.fleet.meta.quietUntil, quietUntil)
})

test('unknown grants count with a lockDelay after the quiet time: nothing is granted before', () => {
  const { story } = restored()
  const tool = story.tool('fresh')
  tool.ask('plant-3:aim')
  story.pass(TTL_MS + LOST_GRANT_DELAY_MS - 1)
  assert.deepEqual(tool.holds, [])
  story.pass(1)
  assert.deepEqual(tool.holds, ['plant-3:aim'])
})

test('a speaker that knows more raises later too, and a fence that was raised raises nothing again', () => {
  const story = new Story()
  const tool = story.tool('owner')
  tool.ask('*:aim')
  const agent = story.agent('plant-1/arm-1')
  agent.knownFence = story.fleet.meta.fenceHigh + 7
  agent.beat()
  const { term } = story.fleet.meta
  assert.equal(story.lock('*:aim').orphan?.cause, 'fences-raised')
  // A device repeats the highest fence of any record that it has read, the lifted ones included.
  agent.knownFence = Math.max(...[...story.fleet.locks.values()].map(({ fence }) => fence))
  agent.beat()
  assert.equal(story.fleet.meta.term, term)
})

test('a speaker that has heard of a later term proves that the store is older: what it is told from now on is newer than that', () => {
  for (const speak of ['hello', 'beat'] as const) {
    const story = new Story()
    const tool = story.tool('owner')
    tool.ask('*:aim')
    const agent = story.agent('plant-1/arm-1')
    const { fenceNext } = story.fleet.meta
    agent.knownTerm = story.fleet.meta.term + 5
    agent[speak]()
    assert.equal(story.fleet.meta.term, agent.knownTerm + 1)
    assert.ok(story.fleet.meta.fenceNext > fenceNext)
    assert.equal(story.lock('*:aim').orphan?.cause, 'fences-raised')
    agent.knownTerm = 2 ** 52
    agent.beat()
    assert.ok(story.fleet.meta.term < 100, 'a term that cannot be is not believed')
  }
})

test('whom a restored store does not know proves by its heartbeat alone that something was lost, and is refused then', () => {
  const story = new Story()
  const owner = story.tool('owner')
  owner.ask('*:aim')
  const stranger = story.tool('stranger')
  stranger.session = 999
  stranger.knownFence = story.fleet.meta.fenceHigh + 3
  stranger.beat()
  assert.equal(story.lock('*:aim').orphan?.cause, 'fences-raised')
  assert.equal(stranger.last('refused')?.refusal.why, 'unknown-session')
  const { term } = story.fleet.meta
  stranger.knownFence = 2 ** 50
  stranger.beat()
  assert.equal(story.fleet.meta.term, term, 'a jump that cannot be is not believed of a stranger either')
})

test('a jump of more than 2^32 is not believed, is logged, and blocks its sender only', () => {
  const story = new Story()
  const owner = story.tool('owner')
  owner.ask('*:aim')
  const liar = story.agent('plant-1/arm-1')
  const mark = story.effects.length
  liar.knownFence = 2 ** 40
  liar.beat()
  assert.equal(liar.last('refused')?.refusal.why, 'unbelievable-fence')
  assert.deepEqual(owner.holds, ['*:aim'])
  assert.ok(story.since(mark, 'log').some(({ event }) => event === 'unbelievable-fence'))
  liar.hello('again')
  assert.equal(liar.last('failed')?.refusal.why, 'unbelievable-fence')
})

test('a believable claim just below 2^32 is believed', () => {
  const story = new Story()
  const agent = story.agent('plant-1/arm-1')
  agent.knownFence = story.fleet.meta.fenceHigh + 2 ** 32
  agent.beat()
  assert.ok(story.fleet.meta.fenceNext > 2 ** 32)
})

test('what the broker retains is not believed either when it jumps by more than 2^32', () => {
  const story = new Story()
  story.restart({
    knownFence: Number.MAX_SAFE_INTEGER,
    knownLimit: Number.MAX_SAFE_INTEGER,
    knownTerm: 2 ** 50
  })
  assert.ok(story.fleet.meta.fenceNext < 2 ** 32)
  assert.ok(story.fleet.meta.term < 2 ** 32)
})

test('a bound that others know of and the store does not is where fences go on', () => {
  const story = new Story()
  story.restart({ knownLimit: 77_000, knownTerm: 40 })
  assert.ok(story.fleet.meta.fenceNext >= 77_000)
  assert.equal(story.fleet.meta.term, 41)
})
