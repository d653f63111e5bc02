import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  afterBudget,
  type Budget,
  type Doing,
  doingNow,
  fullBudget,
  keptOf,
  leftAt,
  type Plight,
  restoredBudget,
  roomFor
} from '../../src/rules/budget.ts'
import type { Hold, HoldKind } from '../../src/rules/interlock.ts'
import { beyondLimits } from '../../src/rules/limits.ts'

const FULL_MS = 600_000
const moving = (leftMs: number): Budget => ({ fullMs: FULL_MS, leftMs, at: 0, doing: 'moving' })

test('standing drains the budget, motion refills it one to one up to full, and neither is neither', () => {
  const stood = doingNow(fullBudget(FULL_MS, 0), 'moving', 100_000)
  assert.equal(stood.leftMs, 500_000)
  assert.equal(leftAt(stood, 140_000), 540_000)
  assert.equal(leftAt(stood, 900_000), FULL_MS)
  const unsure = doingNow(stood, 'neither', 100_000)
  assert.equal(leftAt(unsure, 900_000), 500_000)
  assert.equal(leftAt(fullBudget(FULL_MS, 0), 2 * FULL_MS), 0)
})

test('however standing and moving alternate, what is left is full minus standing plus motion, within its bounds', () => {
  const doings = fc.constantFrom<Doing>('standing', 'moving', 'neither')
  fc.assert(
    fc.property(fc.array(fc.tuple(doings, fc.nat(200_000)), { maxLength: 30 }), (parts) => {
      let budget = fullBudget(FULL_MS, 0)
      let [now, expected] = [0, FULL_MS]
      for (const [doing, ms] of parts) {
        budget = doingNow(budget, doing, now)
        now += ms
        const change = doing === 'standing' ? -ms : doing === 'moving' ? ms : 0
        expected = Math.min(FULL_MS, Math.max(0, expected + change))
        assert.equal(leftAt(budget, now), expected)
      }
    })
  )
})

test('a restart of the agent forgets nothing: who stood has stood ever since', () => {
  const before = doingNow(fullBudget(FULL_MS, 0), 'standing', 200_000)
  const after = restoredBudget(FULL_MS, keptOf(before, 'boot-1'), { now: 300_000, boot: 'boot-1' })
  assert.equal(after.leftMs, 300_000)
  const ran = restoredBudget(FULL_MS, keptOf(moving(100_000), 'boot-1'), { now: 300_000, boot: 'boot-1' })
  assert.equal(ran.leftMs, 100_000)
})

test('over a reboot only what was kept counts; a smaller or larger budget keeps its use', () => {
  const before = keptOf(doingNow(fullBudget(FULL_MS, 0), 'standing', 200_000), 'boot-1')
  assert.equal(restoredBudget(FULL_MS, before, { now: 5, boot: 'boot-2' }).leftMs, 400_000)
  assert.equal(restoredBudget(300_000, before, { now: 5, boot: 'boot-2' }).leftMs, 100_000)
})

test('each life has a grace in which Locksmith can be heard before the rule acts', () => {
  const used = keptOf({ fullMs: FULL_MS, leftMs: 0, at: 0, doing: 'standing' }, 'boot-1')
  assert.equal(restoredBudget(FULL_MS, used, { now: 5, boot: 'boot-1' }).leftMs, 30_000)
  assert.equal(restoredBudget(20_000, used, { now: 5, boot: 'boot-1' }).leftMs, 2000)
})

const hold = (kind: HoldKind, over: Partial<Hold> = {}): Hold => ({
  id: kind,
  kind,
  owner: 'x',
  why: `a ${kind} hold`,
  since: 0,
  until: null,
  waived: false,
  ...(kind === 'lock' ? { lock: '*:aim', fence: 7 } : {}),
  ...over
})

const plight = (over: Partial<Plight> = {}): Plight => ({
  afterBudget: 'resume',
  autoRestart: true,
  holds: [hold('lock'), hold('contact')],
  changing: false,
  leftMs: 0,
  rollBackMs: 2000,
  manoeuvres: [],
  ...over
})

test('resume overrides the lock and contact holds that are seen, by their grants', () => {
  const waivers = [{ id: 'lock', fence: 7 }, { id: 'contact' }]
  assert.deepEqual(afterBudget(plight()), { do: 'resume', waivers })
})

test('while budget is left, or when nothing holds the device, nothing is overridden', () => {
  assert.deepEqual(afterBudget(plight({ leftMs: 1 })), { do: 'wait' })
  assert.deepEqual(afterBudget(plight({ holds: [] })), { do: 'wait' })
  assert.deepEqual(afterBudget(plight({ holds: [hold('lock', { waived: true })] })), { do: 'wait' })
})

const why = (over: Partial<Plight>): string => {
  const verdict = afterBudget(plight(over))
  assert.equal(verdict.do, 'stay')
  return verdict.do === 'stay' ? verdict.why : ''
}

test('it stays, and says why, where the profile, a person, a controller or doubt about the configuration says so', () => {
  assert.match(why({ afterBudget: 'stay' }), /profile says stay/)
  assert.match(why({ autoRestart: false }), /autoRestart/)
  assert.match(why({ afterBudget: 'manoeuvre' }), /no controller of this device declares a manoeuvre/)
  for (const kind of ['operator', 'controller', 'config'] as const)
    assert.match(why({ holds: [hold('lock'), hold(kind)] }), new RegExp(`a ${kind} hold`))
})

test('a manoeuvre is the first that a controller declares; with unverified configuration only a landing', () => {
  const can = { afterBudget: 'manoeuvre', manoeuvres: ['return', 'land'] } as const
  const over = [{ id: 'lock', fence: 7 }, { id: 'contact' }]
  assert.deepEqual(afterBudget(plight(can)), { do: 'manoeuvre', how: 'return', over })
  const doubt = { ...can, holds: [hold('config')] }
  assert.deepEqual(afterBudget(plight(doubt)), { do: 'manoeuvre', how: 'land', over: [] })
  assert.match(why({ ...doubt, manoeuvres: ['return'] }), /not verified/)
})

test('a change in progress goes back before anything moves, early enough to have ended when the budget has', () => {
  const changing = { changing: true, holds: [hold('lock'), hold('config')] }
  for (const word of ['resume', 'manoeuvre'] as const) {
    const can = { ...changing, afterBudget: word, manoeuvres: ['land'] } as const
    assert.deepEqual(afterBudget(plight({ ...can, leftMs: 2001 })), { do: 'wait' })
    assert.deepEqual(afterBudget(plight({ ...can, leftMs: 2000 })), { do: 'roll-back' })
    assert.deepEqual(afterBudget(plight(can)), { do: 'roll-back' })
  }
  assert.equal(afterBudget(plight({ ...changing, afterBudget: 'stay', leftMs: 1 })).do, 'wait')
})

test('whatever holds it: only lock and contact are overridden, never with a change or doubt, never with budget left', () => {
  const kinds = fc.constantFrom<HoldKind>('lock', 'config', 'contact', 'operator', 'controller')
  const any = fc.record({
    afterBudget: fc.constantFrom<Plight['afterBudget']>('stay', 'resume', 'manoeuvre'),
    autoRestart: fc.boolean(),
    holds: fc.array(fc.tuple(kinds, fc.boolean()).map(([kind, waived]) => hold(kind, { waived }))),
    changing: fc.boolean(),
    leftMs: fc.constantFrom(0, 1, 2000, 5000),
    rollBackMs: fc.constant(2000),
    manoeuvres: fc.constantFrom<Plight['manoeuvres']>([], ['land'], ['return'], ['return', 'land'])
  })
  fc.assert(
    fc.property(any, (one) => {
      const verdict = afterBudget(one)
      const firm = one.holds.filter(({ kind, waived }) => !waived && kind !== 'lock' && kind !== 'contact')
      if (verdict.do === 'resume') {
        assert.ok(one.leftMs === 0 && one.afterBudget === 'resume' && one.autoRestart && !one.changing)
        assert.deepEqual(firm, [])
      }
      if (verdict.do === 'manoeuvre') {
        assert.ok(one.leftMs === 0 && one.afterBudget === 'manoeuvre' && !one.changing)
        assert.ok(one.manoeuvres.includes(verdict.how))
        assert.ok(firm.every(({ kind }) => kind === 'config'))
        assert.ok(firm.length === 0 || verdict.how === 'land')
      }
    }),
    { numRuns: 2000 }
  )
})

const room = { fullMs: FULL_MS, leftMs: 1000, rollBackMs: 2000, standing: false, inDoubt: false } as const

test('a change starts only if its roll-back fits the budget that is left; the refusal says when it would', () => {
  const refused = { why: 'budget-too-small', leftMs: 1000, neededMs: 2000, enoughInMs: 1000 }
  for (const word of ['stay', 'resume', 'manoeuvre'] as const) {
    assert.deepEqual(roomFor({ ...room, afterBudget: word }), refused)
    assert.equal(roomFor({ ...room, afterBudget: word, leftMs: 2001 }), undefined)
  }
  const never = roomFor({ ...room, fullMs: 1500, afterBudget: 'resume' })
  assert.equal(never?.why === 'budget-too-small' && never.enoughInMs, null)
})

test('a used budget does not keep out the change that alone gets a device out of doubt, nor one that costs it nothing', () => {
  assert.equal(roomFor({ ...room, afterBudget: 'resume', inDoubt: true }), undefined)
  assert.equal(roomFor({ ...room, afterBudget: 'stay', standing: true }), undefined)
  assert.notEqual(roomFor({ ...room, afterBudget: 'resume', standing: true }), undefined)
})

test('what is measured has to lie within the limits; what is no number does not', () => {
  const position = { what: 'position', value: 90, min: 0, max: 100, unit: 'm' }
  assert.equal(beyondLimits([]), undefined)
  assert.equal(beyondLimits([position, { ...position, value: 100 }]), undefined)
  assert.equal(
    beyondLimits([{ ...position, value: 120 }]),
    'position is 120 m, its configuration allows 0 to 100'
  )
  assert.match(beyondLimits([{ ...position, value: Number.NaN }]) ?? '', /NaN/)
})
