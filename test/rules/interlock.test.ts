import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  bootInterlock,
  CONTACT,
  decision,
  drop,
  heldUnder,
  type Interlock,
  type LockView,
  onRecord,
  onTruth,
  RESTART,
  raise,
  type TruthView,
  waive,
  waiversOf
} from '../../src/rules/interlock.ts'

const device = 'plant-2/line-4/arm-7'
const boot = (autoRestart = true): Interlock => bootInterlock({ name: 'arm-7', device, autoRestart }, 0)

const view = (over: Partial<LockView> = {}): LockView => ({
  lock: '*:aim',
  state: 'held',
  fence: 5,
  floor: 5,
  owner: { name: 'node-7', kind: 'push' },
  reason: '',
  freedBy: null,
  term: 1,
  rev: 10,
  ...over
})

const free = (over: Partial<LockView> = {}): LockView =>
  view({ state: 'free', floor: 6, owner: null, rev: 11, ...over })

const truth = (over: Partial<TruthView> = {}): TruthView => ({
  term: 1,
  rev: 10,
  sentAt: 0,
  leaseMs: 15_000,
  quietMs: 0,
  fenceHigh: 5,
  covering: [],
  ...over
})

/** In contact, with no hold left. */
const running = (): Interlock => onTruth(boot(), truth({ rev: 1 }), 1)
const held = (): Interlock => onTruth(running(), truth({ covering: [view()] }), 2)
const ids = (state: Interlock): string[] => [...state.holds.keys()]

test('a booted device stands by contact until the first renewing reply', () => {
  assert.deepEqual(ids(boot()), [CONTACT])
  assert.deepEqual(ids(onTruth(boot(), truth({ leaseMs: 0 }), 1)), [CONTACT])
  assert.deepEqual(ids(onTruth(boot(), truth({ quietMs: 10 }), 1)), [CONTACT])
  assert.equal(decision(onTruth(boot(), truth(), 1)), 'run')
})

test('contact does not come from a Locksmith that knows of fewer fences than its records did', () => {
  const state = onRecord(boot(), free({ fence: 9, floor: 10 }), 1)
  assert.deepEqual(ids(onTruth(state, truth({ rev: 20, fenceHigh: 5 }), 2)), [CONTACT])
  assert.equal(decision(onTruth(state, truth({ rev: 20, fenceHigh: 9 }), 2)), 'run')
})

test('a foreign lock that covers the device holds it, whether a reply or a record tells', () => {
  assert.deepEqual(heldUnder(held()), [{ lock: '*:aim', fence: 5 }])
  assert.deepEqual(heldUnder(onRecord(running(), view(), 2)), [{ lock: '*:aim', fence: 5 }])
  assert.deepEqual(heldUnder(onRecord(running(), view({ state: 'orphaned' }), 2)), [
    { lock: '*:aim', fence: 5 }
  ])
})

test('locks of agent sessions of its own name are no hold; of a push or tool of that name they are', () => {
  const own = (kind: 'agent' | 'push' | 'tool') =>
    view({ lock: `${device}:aim`, owner: { name: 'arm-7', kind } })
  assert.equal(decision(onRecord(running(), own('agent'), 2)), 'run')
  assert.equal(decision(onRecord(running(), own('push'), 2)), 'paused')
  assert.equal(decision(onRecord(running(), own('tool'), 2)), 'paused')
})

test('a lock beside the device is none of its business', () => {
  assert.equal(decision(onRecord(running(), view({ lock: 'plant-2/line-5:aim' }), 2)), 'run')
  assert.equal(decision(onRecord(running(), view({ lock: 'plant-2/line-4/arm-70:aim' }), 2)), 'run')
})

test('a lock hold falls when a renewing reply no longer lists it, and not by one that does not renew or in a quiet time', () => {
  assert.equal(decision(onTruth(held(), truth({ rev: 12, leaseMs: 0 }), 3)), 'paused')
  assert.equal(decision(onTruth(held(), truth({ rev: 12, quietMs: 1 }), 3)), 'paused')
  assert.equal(decision(onTruth(held(), truth({ rev: 12 }), 3)), 'run')
})

test('a reply that does not know the fence of a hold takes nothing away', () => {
  assert.equal(decision(onTruth(held(), truth({ rev: 12, fenceHigh: 4 }), 3)), 'paused')
})

test('a reply older than the record that raised the hold takes nothing away', () => {
  const state = onRecord(running(), view({ rev: 20 }), 2)
  assert.equal(decision(onTruth(state, truth({ rev: 19 }), 3)), 'paused')
  assert.equal(decision(onTruth(state, truth({ rev: 20 }), 3)), 'run')
})

test('a record that claims to be newer than the answer to a later heartbeat is nobody’s word: it hides no grant and keeps no hold', () => {
  const never = { term: Number.MAX_SAFE_INTEGER, rev: 1 }
  const forgedFree = onRecord(running(), free({ ...never, fence: 1, floor: 1_000_000 }), 2)
  const granted = truth({ rev: 20, fenceHigh: 7, covering: [view({ fence: 7, floor: 7, rev: 20 })] })
  assert.equal(decision(onTruth(forgedFree, { ...granted, sentAt: 2 }, 3)), 'run')
  assert.equal(decision(onTruth(forgedFree, { ...granted, sentAt: 3 }, 4)), 'paused')
  const forgedHeld = onRecord(running(), view(never), 2)
  assert.equal(decision(onTruth(forgedHeld, truth({ rev: 20, sentAt: 2 }), 3)), 'paused')
  assert.equal(decision(onTruth(forgedHeld, truth({ rev: 20, sentAt: 3, leaseMs: 0 }), 4)), 'paused')
  assert.equal(decision(onTruth(forgedHeld, truth({ rev: 20, sentAt: 3 }), 4)), 'run')
})

test('a record with a fence or floor that cannot be is not believed, and not repeated to others', () => {
  for (const forged of [view({ fence: 2 ** 53 - 1, rev: 20 }), free({ floor: 2 ** 53 - 1, rev: 20 })]) {
    const state = onRecord(running(), forged, 2)
    assert.deepEqual([state.fenceHigh, ids(state)], [5, []])
  }
})

test('a lock that has become its own by a newer grant holds it no more', () => {
  const state = onRecord(running(), view({ lock: `${device}:aim`, owner: { name: 'ops', kind: 'tool' } }), 2)
  const own = view({ lock: `${device}:aim`, owner: { name: 'arm-7', kind: 'agent' }, fence: 6, floor: 6 })
  assert.equal(decision(onTruth(state, truth({ rev: 12, fenceHigh: 6, covering: [own] }), 3)), 'run')
})

test('a free record takes the hold away only when it is not older and its floor lies above the fence', () => {
  assert.equal(decision(onRecord(held(), free(), 3)), 'run')
  assert.equal(decision(onRecord(held(), free({ rev: 9 }), 3)), 'paused')
  assert.equal(decision(onRecord(held(), free({ term: 0, rev: 99 }), 3)), 'paused')
  assert.equal(decision(onRecord(held(), free({ floor: 5 }), 3)), 'paused')
})

test('a free record of another lock, or an own one, takes nothing away', () => {
  assert.equal(decision(onRecord(held(), free({ lock: '*:safety' }), 3)), 'paused')
  assert.equal(
    decision(onRecord(held(), view({ owner: { name: 'arm-7', kind: 'agent' }, rev: 12 }), 3)),
    'paused'
  )
})

test('no free record is believed before a quiet time that was announced has passed', () => {
  const quiet = onTruth(held(), truth({ rev: 12, quietMs: 1000, covering: [view()] }), 100)
  assert.equal(decision(onRecord(quiet, free({ rev: 13 }), 1099)), 'paused')
  assert.equal(decision(onRecord(quiet, free({ rev: 13 }), 1100)), 'run')
})

test('an old record that arrives late raises nothing', () => {
  const state = onTruth(running(), truth({ rev: 30 }), 2)
  assert.equal(decision(onRecord(state, view({ rev: 29 }), 3)), 'run')
  const freed = onRecord(running(), free({ rev: 30 }), 2)
  assert.equal(decision(onRecord(freed, view({ rev: 29 }), 3)), 'run')
})

test('a reply that a free record has overtaken does not raise the ended grant again, but does raise a newer one', () => {
  const freed = onRecord(running(), free({ rev: 30 }), 2)
  assert.equal(decision(onTruth(freed, truth({ rev: 29, covering: [view()] }), 3)), 'run')
  const newer = truth({ rev: 29, fenceHigh: 7, covering: [view({ fence: 7, floor: 7 })] })
  assert.equal(decision(onTruth(freed, newer, 3)), 'paused')
})

test('the fence of a hold only grows, and a new grant is a new hold: older waivers do not cover it', () => {
  const waived = waive(held(), [{ id: 'lock:*:aim', fence: 5 }])
  assert.equal(decision(waived), 'run')
  const newer = onRecord(waived, view({ fence: 8, floor: 8, rev: 12 }), 3)
  assert.equal(decision(newer), 'paused')
  const older = onTruth(newer, truth({ rev: 13, fenceHigh: 8, covering: [view({ fence: 6 })] }), 4)
  assert.deepEqual(heldUnder(older), [{ lock: '*:aim', fence: 8 }])
})

test('a waiver takes exactly the holds that were seen, and none that may not be waived', () => {
  assert.equal(decision(waive(held(), [{ id: 'lock:*:aim', fence: 4 }])), 'paused')
  const doubt = raise(running(), { id: 'config:aim', kind: 'config', owner: 'arm-7', why: '' }, 2)
  assert.equal(decision(waive(doubt, [{ id: 'config:aim' }])), 'paused')
  assert.equal(decision(waive(boot(), [{ id: CONTACT }])), 'run')
})

test('several holds: the device runs when the last has fallen', () => {
  const two = raise(held(), { id: 'config:aim', kind: 'config', owner: 'arm-7', why: '' }, 3)
  const one = onRecord(two, free(), 4)
  assert.equal(decision(one), 'paused')
  assert.equal(decision(drop(one, ['config:aim'], 5)), 'run')
})

test('where the restart awaits a person, the last hold that falls leaves an operator hold; the person takes it away', () => {
  const booted = onTruth(boot(false), truth({ rev: 1 }), 1)
  assert.deepEqual(ids(booted), [RESTART])
  const restarted = drop(booted, [RESTART], 2)
  assert.equal(decision(restarted), 'run')
  const again = onRecord(onRecord(restarted, view(), 3), free(), 4)
  assert.deepEqual(ids(again), [RESTART])
})

test('the beginning of a hold stays while its reason is told anew', () => {
  const state = onTruth(held(), truth({ rev: 12, covering: [view({ rev: 12, reason: 'aim' })] }), 900)
  assert.equal(state.holds.get('lock:*:aim')?.since, 2)
  assert.match(state.holds.get('lock:*:aim')?.why ?? '', /node-7: aim$/)
})

// A small Locksmith that grants and frees two locks truthfully; its messages are repeated, lost, and arrive in any order.

type Event = { readonly act: 'grant' | 'orphan' | 'free'; readonly lock: 0 | 1 }
const LOCKS = ['*:aim', 'plant-2:safety'] as const
const events = fc.array(
  fc.record({ act: fc.constantFrom('grant', 'orphan', 'free'), lock: fc.constantFrom(0, 1) }),
  { maxLength: 25 }
) as fc.Arbitrary<Event[]>

/** Everything that Locksmith says along its history, in order. */
function saidBy(history: readonly Event[]): (LockView | TruthView)[] {
  let rev = 0
  let fence = 0
  const locks = LOCKS.map((lock): LockView => free({ lock, fence: 0, floor: 0, rev: 0 }))
  const said: (LockView | TruthView)[] = []
  for (const { act, lock } of history) {
    const old = locks[lock] as LockView
    if ((act === 'grant') !== (old.state === 'free') || (act === 'orphan' && old.state !== 'held')) continue
    rev += 1
    if (act === 'grant') fence += 1
    const next =
      act === 'grant' ? view({ fence, floor: fence }) : view({ fence: old.fence, floor: old.fence + 1 })
    const state = act === 'grant' ? 'held' : act === 'orphan' ? 'orphaned' : 'free'
    locks[lock] = { ...next, lock: LOCKS[lock], state, rev }
    const covering = locks.filter((one) => one.state !== 'free')
    said.push(locks[lock] as LockView, truth({ rev, fenceHigh: fence, covering }))
  }
  return said
}

const hear = (state: Interlock, message: LockView | TruthView): Interlock =>
  'lock' in message ? onRecord(state, message, 1) : onTruth(state, message, 1)

/** By lock, what the newest word among those heard says: a record of the lock, or a reply, which speaks for all. */
function newestWords(heard: readonly (LockView | TruthView)[]): string[] {
  const newest = heard.toSorted((a, b) => b.rev - a.rev || Number('lock' in b) - Number('lock' in a))
  return LOCKS.filter((lock) => {
    const word = newest.find((message) => !('lock' in message) || message.lock === lock)
    if (word === undefined) return false
    return 'lock' in word ? word.state !== 'free' : word.covering.some((one) => one.lock === lock)
  })
}

test('whatever is lost, repeated or overtaken, the newest word heard of each lock decides', () => {
  fc.assert(
    fc.property(events, fc.array(fc.nat(), { maxLength: 60 }), (history, picks) => {
      const said = saidBy(history)
      if (said.length === 0) return
      const heard: (LockView | TruthView)[] = []
      let state = boot()
      for (const pick of picks) {
        const message = said[pick % said.length] as LockView | TruthView
        heard.push(message)
        state = hear(state, message)
        const holds = heldUnder(state).map(({ lock }) => lock)
        assert.deepEqual(holds.toSorted(), newestWords(heard).toSorted())
      }
    }),
    { numRuns: 1000 }
  )
})

test('a bypass outlives a restart of the agent for just the grants that it saw, until Locksmith has spoken', () => {
  const waived = waive(held(), [{ id: 'lock:*:aim', fence: 5 }])
  assert.deepEqual(waiversOf(waived), [{ id: 'lock:*:aim', fence: 5 }])
  const rebooted = (): Interlock =>
    bootInterlock({ name: 'arm-7', device, autoRestart: true }, 0, waiversOf(waived))
  assert.equal(decision(rebooted()), 'paused')
  const same = onTruth(rebooted(), truth({ covering: [view()] }), 1)
  assert.equal(decision(same), 'run')
  assert.equal(same.holds.get('lock:*:aim')?.waived, true)
  const newer = truth({ fenceHigh: 6, covering: [view({ fence: 6, floor: 6 })] })
  assert.equal(decision(onTruth(rebooted(), newer, 1)), 'paused')
  const gone = onTruth(rebooted(), truth(), 1)
  assert.deepEqual(waiversOf(gone), [])
  assert.equal(decision(onRecord(gone, view({ rev: 12 }), 2)), 'paused')
})
