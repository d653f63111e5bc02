import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Story, TTL_MS } from '../support/fleet-story.ts'

test('a free lock is granted at once, under a fence of its own', () => {
  const story = new Story()
  const tool = story.tool('ops')
  const request = tool.ask('*:aim')
  const granted = tool.last('granted')
  assert.equal(granted?.request, request)
  assert.deepEqual(granted?.locks, [{ lock: '*:aim', fence: story.lock('*:aim').fence }])
})

test('a lock is not granted while a wider or a narrower one of the same resource is held', () => {
  const story = new Story()
  story.tool('holder').ask('plant-2/line-4:aim')
  for (const lock of ['*:aim', 'plant-2:aim', 'plant-2/line-4:aim', 'plant-2/line-4/arm-7:aim']) {
    const other = story.tool('other')
    other.ask(lock)
    assert.deepEqual(other.holds, [], lock)
    other.goodbye()
  }
  for (const lock of ['plant-2/line-5:aim', 'plant-2/line-40:aim', '*:safety']) {
    const other = story.tool('other')
    other.ask(lock)
    assert.deepEqual(other.holds, [lock])
    other.goodbye()
  }
})

test('an orphaned lock conflicts like a held one', () => {
  const story = new Story()
  const ghost = story.tool('ghost')
  ghost.ask('plant-2:aim')
  ghost.die()
  story.pass(TTL_MS)
  assert.equal(story.lock('plant-2:aim').state, 'orphaned')
  const other = story.tool('other')
  other.ask('*:aim')
  assert.deepEqual(other.holds, [])
})

test('first come, first served, and the grant is sent unasked', () => {
  const story = new Story()
  const [first, second, third] = [story.tool('first'), story.tool('second'), story.tool('third')]
  const request = first.ask('*:aim')
  second.ask('*:aim')
  third.ask('*:aim')
  first.release(request)
  assert.deepEqual([second.holds, third.holds], [['*:aim'], []])
  assert.equal(second.heard.at(-1)?.op, 'granted')
})

test('every waiter knows its place and what stands before it', () => {
  const story = new Story()
  const [holder, second, third] = [story.tool('holder'), story.tool('second'), story.tool('third')]
  holder.ask('*:aim')
  second.ask('plant-2:aim')
  third.ask('*:aim')
  assert.equal(second.last('queued')?.place, 1)
  assert.equal(third.last('queued')?.place, 2)
  assert.equal(third.last('queued')?.blockers[0]?.owner?.name, 'holder')
  second.beat()
  assert.equal(second.last('heartbeat')?.queued[0]?.place, 1)
})

test('nobody who conflicts with an earlier waiter overtakes it, though what he wants is free', () => {
  const story = new Story()
  const [holder, wide, narrow, beside] = ['holder', 'wide', 'narrow', 'beside'].map((name) =>
    story.tool(name)
  )
  holder?.ask('plant-2:aim')
  wide?.ask('*:aim')
  narrow?.ask('plant-3:aim')
  beside?.ask('plant-3:safety')
  assert.deepEqual([wide?.holds, narrow?.holds, beside?.holds], [[], [], ['plant-3:safety']])
  assert.deepEqual(
    narrow?.last('queued')?.blockers.map(({ state, owner }) => [state, owner?.name]),
    [['queued', 'wide']]
  )
})

test('a waiter without a lease is passed over, and gives up its place when the lease has run out', () => {
  const story = new Story()
  const [holder, dead, living] = [story.tool('holder'), story.tool('dead'), story.tool('living')]
  const request = holder.ask('*:aim')
  dead.ask('*:aim')
  living.ask('*:aim')
  dead.die()
  story.pass(TTL_MS)
  holder.release(request)
  assert.deepEqual(living.holds, ['*:aim'])
  assert.equal([...story.fleet.waiters.values()].length, 0)
})

test('several locks are one request: granted whole with one fence each, or not at all', () => {
  const story = new Story()
  const [holder, both] = [story.tool('holder'), story.tool('both')]
  const request = holder.ask('*:aim')
  both.ask(['*:aim', '*:safety'])
  assert.deepEqual(both.holds, [])
  holder.release(request)
  assert.deepEqual(both.holds.sort(), ['*:aim', '*:safety'])
  const fences = both.last('granted')?.locks.map(({ fence }) => fence) ?? []
  assert.equal(new Set(fences).size, 2)
})

test('one who asks for two waiting things at once is not granted the second while it holds the first', () => {
  const story = new Story()
  const [holder, other, greedy, rival] = ['holder', 'other', 'greedy', 'rival'].map((name) =>
    story.tool(name)
  )
  const aim = holder?.ask('*:aim') ?? ''
  const safety = other?.ask('*:safety') ?? ''
  greedy?.ask('*:aim')
  const second = greedy?.ask('*:safety') ?? ''
  rival?.ask('*:safety')
  holder?.release(aim)
  assert.deepEqual(greedy?.holds, ['*:aim'])
  assert.equal(greedy?.refusal(second), 'holds-already')
  other?.release(safety)
  assert.deepEqual(rival?.holds, ['*:safety'])
})

test('nothing is granted in the first third of a lease after a start, and the queue is rebuilt in the old order', () => {
  const story = new Story()
  const [holder, first, second] = [story.tool('holder'), story.tool('first'), story.tool('second')]
  const request = holder.ask('*:aim')
  first.ask('*:aim')
  story.pass(100)
  second.ask('*:aim')
  story.restart()
  holder.release(request)
  assert.equal(story.lock('*:aim').state, 'free')
  second.beat()
  first.beat()
  assert.deepEqual([first.holds, second.holds], [[], []])
  story.pass(TTL_MS / 3)
  assert.deepEqual([first.holds, second.holds], [['*:aim'], []])
})

test('fences that are used up grant nothing; a new block does', () => {
  const story = new Story()
  story.fleet.meta = { ...story.fleet.meta, fenceLimit: story.fleet.meta.fenceNext + 1 }
  const [one, two] = [story.tool('one'), story.tool('two')]
  two.ask(['a:aim', 'b:aim'])
  assert.deepEqual(two.holds, [])
  one.ask('c:aim')
  assert.deepEqual(one.holds, ['c:aim'])
  story.do(() => {
    story.fleet.meta = { ...story.fleet.meta, fenceLimit: story.fleet.meta.fenceNext + 1000 }
  })
  assert.deepEqual(two.holds, ['a:aim', 'b:aim'])
})

test('a store that refuses grants nothing, and the queue stands', () => {
  const story = new Story()
  const tool = story.tool('ops')
  story.fleet.storeRefuses = true
  tool.ask('*:aim')
  assert.deepEqual(tool.holds, [])
  assert.equal(tool.last('queued')?.place, 1)
  story.fleet.storeRefuses = false
  story.pass(1)
  assert.deepEqual(tool.holds, ['*:aim'])
})

test('one who asks before its first heartbeat to this life of Locksmith is served with that heartbeat', () => {
  const story = new Story()
  const tool = story.tool('ops')
  story.restart()
  tool.nextBeat = Number.POSITIVE_INFINITY
  story.pass(TTL_MS / 2)
  tool.ask('*:aim')
  assert.deepEqual(tool.holds, [])
  tool.beat()
  assert.deepEqual(tool.holds, ['*:aim'])
})

test('a grant that could not be stored is tried again, though nobody asks', () => {
  const story = new Story()
  const tool = story.tool('ops')
  story.restart()
  tool.beat()
  tool.ask('*:aim')
  const { keep } = story.fleet
  story.now += TTL_MS / 3
  story.fleet.keep = () => story.fleet.drop()
  story.do(() => undefined)
  story.fleet.keep = keep
  assert.deepEqual(tool.holds, [])
  story.do(() => undefined)
  assert.deepEqual(tool.holds, ['*:aim'])
})
