import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DEFAULT_POLICY, policyFor, policyLookup } from '../../src/rules/policy.ts'
import { covers } from '../../src/rules/scope.ts'
import { Story, TTL_MS } from '../support/fleet-story.ts'
import { propertyOf } from '../support/property.ts'

const MINUTE_MS = 60_000

test('without a word of the operators a hold lasts 15 minutes, is reclaimed, waits 10 s, is open to all, and patience lasts 5 minutes', () => {
  assert.deepEqual(policyFor([], '*:aim'), DEFAULT_POLICY)
  const expected = {
    maxHoldMs: 15 * MINUTE_MS,
    onOrphan: 'reclaim',
    lockDelayMs: 10_000,
    patienceMs: 5 * MINUTE_MS,
    mayLock: undefined,
    guardedBelow: [],
    slots: []
  }
  assert.deepEqual(DEFAULT_POLICY, expected)
})

test('later entries win, setting by setting', () => {
  const entries = [
    { lock: '*', maxHoldMs: 1000, lockDelayMs: 1 },
    { lock: 'plant-2:*', maxHoldMs: 2000 },
    { lock: 'plant-2/line-4:aim', mayLock: ['node-7'] }
  ]
  const policy = policyFor(entries, 'plant-2/line-4:aim')
  assert.deepEqual(policy, {
    maxHoldMs: 2000,
    lockDelayMs: 1,
    patienceMs: 5 * MINUTE_MS,
    onOrphan: 'reclaim',
    mayLock: ['node-7'],
    guardedBelow: [],
    slots: []
  })
  assert.equal(policyFor(entries, 'plant-20:aim').maxHoldMs, 1000)
  assert.equal(policyFor(entries, '*:aim').maxHoldMs, 1000)
})

test('a lookup that remembers says what the entries say, for however many locks and however often it is asked', () => {
  const entries = [
    { lock: '*', maxHoldMs: 1000 },
    { lock: 'plant-7:*', lockDelayMs: 3, slots: 2 },
    { lock: 'plant-7/arm-1:aim', mayLock: ['ops'] }
  ]
  const lookUp = policyLookup(entries)
  const locks = ['*:aim', 'plant-7:aim', 'plant-7/arm-1:aim', 'no lock']
  const others = Array.from({ length: 20_000 }, (_, index) => `plant-${index}:safety`)
  for (const lock of [...locks, ...locks, ...others, ...locks]) {
    assert.deepEqual(lookUp(lock), policyFor(entries, lock))
  }
})

test('a policy names who may lock, and others are refused', () => {
  const story = new Story([{ lock: '*:safety', mayLock: ['node-7'] }])
  const stranger = story.tool('stranger')
  assert.equal(stranger.refusal(stranger.ask('*:safety')), 'forbidden-by-policy')
  const node = story.tool('node-7')
  node.ask('*:safety')
  assert.deepEqual(node.holds, ['*:safety'])
})

test('a lock that covers a protected one is refused to whom the protected one is closed, and says which', () => {
  const story = new Story([
    { lock: 'plant-2:safety', mayLock: ['anna', 'ops'] },
    { lock: 'plant-2/line-4:*', mayLock: ['ops'] }
  ])
  const told = (name: string, lock: string): string | undefined => {
    const tool = story.tool(name)
    tool.ask(lock)
    const refusal = tool.last('refused')?.refusal
    return refusal?.why === 'forbidden-by-policy' ? refusal.policyOf : refusal?.why
  }
  assert.equal(told('bob', '*:safety'), 'plant-2:safety')
  assert.equal(told('bob', 'plant-2:safety'), 'plant-2:safety')
  assert.equal(told('anna', 'plant-2:safety'), 'plant-2/line-4:safety')
  assert.equal(told('anna', '*:aim'), 'plant-2/line-4:aim')
  assert.equal(told('anna', 'plant-2/line-5:safety'), undefined)
  assert.equal(told('bob', 'plant-20:safety'), undefined)
  assert.equal(told('ops', 'plant-2:aim'), undefined)
})

test('whatever the entries: who may take a lock may take every lock below it, and nobody else may', () => {
  const scope = fc.constantFrom('*', 'a', 'a/b', 'a/b/c', 'a/d', 'e')
  const resource = fc.constantFrom('*', 'aim', 'safety')
  const names = ['x', 'y']
  const entry = fc.record({
    lock: fc.tuple(scope, resource).map(([one, about]) => `${one}:${about}`),
    mayLock: fc.subarray(names)
  })
  const below = (lock: string): string[] =>
    ['*', 'a', 'a/b', 'a/b/c', 'a/d', 'e']
      .filter((one) => covers(lock.split(':')[0] ?? '', one))
      .map((one) => `${one}:${lock.split(':')[1]}`)
  propertyOf(
    'mayLock',
    fc.property(fc.array(entry, { maxLength: 6 }), scope, fc.constantFrom(...names), (entries, one, name) => {
      const lock = `${one}:aim`
      const open = (lock: string): boolean => policyFor(entries, lock).mayLock?.includes(name) ?? true
      const { guardedBelow } = policyFor(entries, lock)
      const allowed = open(lock) && guardedBelow.every(({ mayLock }) => mayLock.includes(name))
      assert.equal(allowed, below(lock).every(open))
    })
  )
})

test('a hold that lasts longer than maxHold is orphaned though its owner lives, and its owner is told', () => {
  const story = new Story([{ lock: '*', maxHoldMs: MINUTE_MS }])
  const tool = story.tool('slow')
  const request = tool.ask('*:aim')
  story.pass(MINUTE_MS - 1)
  assert.deepEqual(tool.holds, ['*:aim'])
  story.pass(1)
  assert.equal(story.lock('*:aim').orphan?.cause, 'max-hold')
  assert.equal(tool.last('ended')?.request, request)
})

test('a stricter maxHold shortens a running hold', () => {
  const story = new Story()
  const tool = story.tool('slow')
  tool.ask('*:aim')
  story.policies = [{ lock: '*', maxHoldMs: 30_000 }]
  story.pass(30_000)
  assert.equal(story.lock('*:aim').orphan?.cause, 'max-hold')
})

test('a laxer maxHold does not lengthen a running hold', () => {
  const story = new Story([{ lock: '*', maxHoldMs: MINUTE_MS }])
  const tool = story.tool('slow')
  tool.ask('*:aim')
  story.policies = [{ lock: '*', maxHoldMs: 60 * MINUTE_MS }]
  story.pass(MINUTE_MS)
  assert.equal(story.lock('*:aim').orphan?.cause, 'max-hold')
})

test('under wait-for-operator a ghost keeps its lock until somebody clears it', () => {
  const story = new Story([{ lock: '*', onOrphan: 'wait-for-operator' }])
  const ghost = story.tool('ghost')
  ghost.ask('*:aim')
  ghost.die()
  story.pass(60 * MINUTE_MS)
  assert.equal(story.lock('*:aim').state, 'orphaned')
  const reply = story.unlock('*:aim')
  assert.equal(reply.op === 'unlocked' && reply.freeInMs, 0)
  assert.equal(story.lock('*:aim').state, 'free')
})

test('a policy that turns to reclaim brings a waiting orphan free; one that turns away does not put it off', () => {
  const story = new Story([{ lock: 'a:*', onOrphan: 'wait-for-operator' }])
  const [one, two] = [story.tool('one'), story.tool('two')]
  one.ask('a:aim')
  two.ask('b:aim')
  for (const ghost of [one, two]) ghost.die()
  story.pass(TTL_MS)
  assert.deepEqual([story.lock('a:aim').state, story.lock('b:aim').state], ['orphaned', 'orphaned'])
  story.policies = [{ lock: 'b:*', onOrphan: 'wait-for-operator' }]
  story.pass(10_000)
  assert.deepEqual([story.lock('a:aim').state, story.lock('b:aim').state], ['free', 'free'])
})

test('a longer lockDelay does not put off an orphan that is already counted; a shorter one brings it nearer', () => {
  const story = new Story()
  const [one, two] = [story.tool('one'), story.tool('two')]
  one.ask('a:aim')
  two.ask('b:aim')
  for (const ghost of [one, two]) ghost.die()
  story.pass(TTL_MS)
  story.policies = [
    { lock: 'a:*', lockDelayMs: 60_000 },
    { lock: 'b:*', lockDelayMs: 1000 }
  ]
  story.pass(1000)
  assert.deepEqual([story.lock('a:aim').state, story.lock('b:aim').state], ['orphaned', 'free'])
  story.pass(9000)
  assert.equal(story.lock('a:aim').state, 'free')
})

test('under wait-for-operator a cleared living owner does not have to be cleared twice', () => {
  const story = new Story([{ lock: '*', onOrphan: 'wait-for-operator' }])
  story.tool('owner').ask('*:aim')
  story.unlock('*:aim')
  story.pass(TTL_MS + 10_000)
  assert.equal(story.lock('*:aim').state, 'free')
})
