import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Change,
  type ControllerFact,
  type Entry,
  emptyJournal,
  type Facts,
  type OpenChange,
  recover,
  replay,
  STEPS,
  type Step,
  trimmed
} from '../../src/rules/change.ts'

const FENCE = 7
const change: Change = {
  push: 'p1',
  resource: 'aim',
  version: 17,
  digest: 'new',
  document: 'new',
  by: 'operator',
  under: null,
  previous: { version: 16, digest: 'old' }
}

/** The journal as it is when the process dies just after this entry. */
function upTo(last: Step, names: readonly string[] = ['a', 'b']): OpenChange {
  const entries = STEPS.slice(0, STEPS.indexOf(last) + 1).map((step): Entry => {
    if (step === 'validate') return { entry: 'step', step, change }
    if (step === 'hold') return { entry: 'step', step, lock: 'x:aim', fence: FENCE }
    return step === 'stage' ? { entry: 'step', step, controllers: names } : { entry: 'step', step }
  })
  return entries.reduce(replay, emptyJournal).open as OpenChange
}

const stored = {
  untouched: { version: 16, fence: 3, verified: true, matches: false },
  committed: { version: 17, fence: FENCE, verified: false, matches: true },
  spoilt: { version: 17, fence: FENCE, verified: false, matches: false },
  rolledBack: { version: 16, fence: FENCE, verified: true, matches: false },
  verified: { version: 17, fence: FENCE, verified: true, matches: true },
  later: { version: 18, fence: 9, verified: true, matches: false },
  alien: { version: 5, fence: 3, verified: false, matches: false },
  away: undefined
} as const
type Kind = keyof typeof stored

const facts = (file: Facts['file'], ...kinds: Kind[]): Facts => ({
  file,
  controllers: kinds.map((kind, at): ControllerFact => ({ name: 'ab'[at] ?? '', stored: stored[kind] }))
})

const rolledBack = (last: Step, found: Facts) => {
  const verdict = recover(upTo(last), found)
  assert.equal(verdict.outcome, 'roll-back', verdict.why)
  return { rollBack: verdict.rollBack, file: verdict.file }
}

test('without a change under way, or before anything was touched, there is nothing to do', () => {
  assert.equal(recover(null, facts('old')).outcome, 'nothing')
  assert.equal(recover(upTo('validate'), facts('old')).outcome, 'nothing')
  assert.equal(recover(upTo('acquire'), facts('old')).outcome, 'nothing')
})

test('a change cut off before commit goes back without asking a controller', () => {
  for (const last of ['hold', 'pause', 'stage'] as const) {
    assert.deepEqual(rolledBack(last, facts('old', 'away', 'away')), { rollBack: [], file: 'keep' })
  }
})

test('cut off between the commits of two controllers, the one that has committed goes back', () => {
  assert.deepEqual(rolledBack('commit', facts('old', 'committed', 'untouched')), {
    rollBack: ['a'],
    file: 'keep'
  })
})

test('cut off after all have committed and before the file is written, all go back', () => {
  const { rollBack, file } = rolledBack('commit', facts('old', 'committed', 'committed'))
  assert.deepEqual({ rollBack, file }, { rollBack: ['a', 'b'], file: 'keep' })
  assert.deepEqual(rolledBack('write', facts('old', 'committed', 'spoilt')).rollBack, ['a', 'b'])
})

test('cut off after the file is written and before any is confirmed, controllers and file go back', () => {
  const found = facts('new', 'committed', 'committed')
  assert.deepEqual(rolledBack('write', found), { rollBack: ['a', 'b'], file: 'restore-old' })
  assert.deepEqual(rolledBack('verify', found), { rollBack: ['a', 'b'], file: 'restore-old' })
})

test('cut off in the middle of a roll-back, the rest goes back', () => {
  const found = facts('new', 'rolledBack', 'committed')
  assert.deepEqual(rolledBack('verify', found), { rollBack: ['b'], file: 'restore-old' })
})

test('once one controller has confirmed, the others and the file go forward', () => {
  const verdict = recover(upTo('verify'), facts('new', 'verified', 'committed'))
  assert.deepEqual([verdict.outcome, verdict.confirm, verdict.file], ['roll-forward', ['b'], 'keep'])
  const late = recover(upTo('verify'), facts('old', 'verified', 'verified'))
  assert.deepEqual([late.outcome, late.confirm, late.file], ['roll-forward', [], 'write-new'])
})

test('a change that had been verified needs nobody to say so', () => {
  assert.equal(recover(upTo('release'), facts('new', 'away', 'away')).outcome, 'roll-forward')
})

test('a controller that cannot be asked leaves the change unverified, and is awaited', () => {
  const verdict = recover(upTo('commit'), facts('old', 'committed', 'away'))
  assert.deepEqual([verdict.outcome, verdict.awaits], ['unverified', ['b']])
})

test('what fits neither the old nor the new is unverified, and says what would help', () => {
  for (const found of [
    facts('new', 'later', 'verified'),
    facts('new', 'later', 'committed'),
    facts('new', 'alien', 'committed'),
    facts('new', 'verified', 'untouched'),
    facts('new', 'verified', 'spoilt')
  ]) {
    const verdict = recover(upTo('verify'), found)
    assert.equal(verdict.outcome, 'unverified')
    assert.match(verdict.why, /push a newer version/)
    assert.deepEqual(verdict.awaits, [])
  }
})

test('a first configuration that goes back leaves no file; one that another hand has changed is left alone', () => {
  const first = { ...upTo('write'), change: { ...change, previous: null } }
  assert.equal(recover(first, facts('new', 'committed', 'committed')).file, 'restore-old')
  assert.equal(recover(first, facts('other', 'committed', 'committed')).file, 'keep')
})

test('a line that cannot be read counts as the next step, and no longer once another follows', () => {
  const torn = replay({ ...emptyJournal, open: upTo('stage') }, undefined)
  assert.equal(recover(torn.open, facts('old', 'committed', 'untouched')).outcome, 'roll-back')
  assert.deepEqual(recover(torn.open, facts('old', 'committed', 'untouched')).rollBack, ['a'])
  assert.equal(recover(torn.open, facts('old', 'away', 'untouched')).outcome, 'unverified')
  const last = replay({ ...emptyJournal, open: upTo('verify') }, undefined)
  assert.equal(recover(last.open, facts('new', 'committed', 'committed')).outcome, 'roll-back')
  assert.equal(replay(torn, { entry: 'step', step: 'commit' }).open?.torn, false)
})

const kind = fc.constantFrom<Kind>(
  'untouched',
  'committed',
  'spoilt',
  'rolledBack',
  'verified',
  'later',
  'alien',
  'away'
)
const file = fc.constantFrom<Facts['file']>('old', 'new', 'other')
const step = fc.constantFrom<Step>(...STEPS)

test('whatever is found: only a commit is rolled back or confirmed, and never some back and others forward', () => {
  fc.assert(
    fc.property(step, file, kind, kind, (last, content, a, b) => {
      const found = facts(content, a, b)
      const verdict = recover(upTo(last), found)
      const named = (names: readonly string[]) => found.controllers.filter((one) => names.includes(one.name))
      for (const { stored: it } of named([...verdict.rollBack, ...verdict.confirm])) {
        assert.ok(it !== undefined && !it.verified && it.fence === FENCE)
      }
      assert.ok(verdict.rollBack.length === 0 || verdict.confirm.length === 0)
      if (verdict.outcome !== 'roll-back')
        assert.deepEqual([verdict.rollBack, verdict.file === 'restore-old'], [[], false])
      if (verdict.outcome !== 'roll-forward')
        assert.deepEqual([verdict.confirm, verdict.file === 'write-new'], [[], false])
      if (verdict.outcome === 'unverified') assert.notEqual(verdict.why, '')
    })
  )
})

test('doing what was decided, and deciding again after a crash at any point of it, comes to the same end', () => {
  fc.assert(
    fc.property(step, file, kind, kind, fc.nat(3), (last, content, a, b, done) => {
      const first = recover(upTo(last), facts(content, a, b))
      if (first.outcome === 'unverified' || first.outcome === 'nothing') return
      const names = ['a', 'b'] as const
      const after = ([a, b] as Kind[]).map((was, at): Kind => {
        const name = names[at] as string
        if (first.rollBack.indexOf(name) >= 0 && first.rollBack.indexOf(name) < done) return 'rolledBack'
        return first.confirm.indexOf(name) >= 0 && first.confirm.indexOf(name) < done ? 'verified' : was
      })
      const moved =
        done < 3 ? content : first.file === 'write-new' ? 'new' : first.file === 'keep' ? content : 'old'
      assert.equal(recover(upTo(last), facts(moved, ...after)).outcome, first.outcome)
    })
  )
})

const outcome = { push: 'p1', outcome: 'refused', code: 'LK-4001', detail: '', version: 16 } as const

test('a trimmed journal says the same as the long one: what is owed, and what is in doubt', () => {
  const end: Entry = { entry: 'end', ending: 'unverified', why: 'away', outcome }
  const state = replay({ ...emptyJournal, open: upTo('commit') }, end)
  assert.deepEqual(trimmed(state).reduce(replay, emptyJournal), state)
  const noted = replay(state, { entry: 'noted', push: 'p1' })
  assert.equal(noted.owed.size, 0)
  assert.equal(replay(noted, { entry: 'resolved', resource: 'aim', how: 'rolled-back' }).unverified.size, 0)
})

test('a doubt about a resource ends with a newer change that is applied, and with none that is refused', () => {
  const doubt = replay(
    { ...emptyJournal, open: upTo('commit') },
    { entry: 'end', ending: 'unverified', why: '', outcome }
  )
  const begun = replay(doubt, {
    entry: 'step',
    step: 'validate',
    change: { ...change, push: 'p2', version: 18 }
  })
  const refused = replay(begun, { entry: 'end', ending: 'refused', why: '', outcome: null })
  assert.equal(refused.unverified.size, 1)
  assert.equal(replay(begun, { entry: 'end', ending: 'applied', why: '', outcome: null }).unverified.size, 0)
})
