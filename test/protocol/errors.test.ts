import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { refusalToWire, replyToWire } from '../../src/lock-manager/wire.ts'
import {
  CODE_OF,
  CODE_OF_VERDICT,
  describe,
  ERRORS,
  type ErrorCode,
  LocksmithError
} from '../../src/protocol/errors.ts'
import type { Blocker } from '../../src/rules/effects.ts'
import { Fleet, type Push } from '../../src/rules/fleet.ts'
import { DEFAULT_POLICY } from '../../src/rules/policy.ts'
import type { Refusal, RefusalWhy } from '../../src/rules/refusals.ts'

const SRC = join(import.meta.dirname, '../../src')

const blocker: Blocker = {
  lock: '*:aim',
  fence: 7,
  state: 'held',
  owner: { name: 'node-7', session: 1, boot: 'b' },
  heldMs: 1,
  lastHeardMs: 1,
  leaseLeftMs: 1,
  freedBy: { what: 'reclaim', inMs: 1500 }
}

/** One of each; the compiler sees to it that none is missing. */
const refusals: { readonly [Why in RefusalWhy]: Extract<Refusal, { why: Why }> } = {
  busy: { why: 'busy', blockers: [blocker] },
  'bad-lock-name': { why: 'bad-lock-name', lock: 'x' },
  'unknown-resource': { why: 'unknown-resource', resource: 'aime', known: ['aim', 'safety'] },
  'own-locks-conflict': { why: 'own-locks-conflict', lock: '*:aim', other: 'a:aim' },
  'unknown-session': { why: 'unknown-session' },
  'session-replaced': { why: 'session-replaced', by: 2 },
  'no-lease': { why: 'no-lease' },
  'holds-already': { why: 'holds-already', locks: ['*:aim'], heldMs: 2500 },
  'more-than-slots': { why: 'more-than-slots', scope: 'plant-2', resource: 'aim', asked: 3, slots: 2 },
  'budget-too-small': { why: 'budget-too-small', leftMs: 300, neededMs: 2000, enoughInMs: 1700 },
  'outside-own-device': { why: 'outside-own-device', lock: '*:aim', device: 'arm-7' },
  'forbidden-by-policy': {
    why: 'forbidden-by-policy',
    lock: '*:aim',
    name: 'x',
    policyOf: 'plant-2:aim',
    mayLock: ['y']
  },
  'request-ended': { why: 'request-ended', how: 'released', agoMs: 1500 },
  'request-of-another': { why: 'request-of-another', owner: 'x' },
  'stale-message': { why: 'stale-message' },
  'not-ready': { why: 'not-ready', inMs: 5000 },
  'unbelievable-fence': { why: 'unbelievable-fence', fence: 2 ** 40, highest: 7 },
  'identity-taken': {
    why: 'identity-taken',
    device: 'plant-1/arm-7',
    by: { lastHeardMs: 900, leaseLeftMs: 14_100 }
  },
  'reason-missing': { why: 'reason-missing' },
  'push-under-way': {
    why: 'push-under-way',
    push: 'p',
    scope: '*',
    by: 'x',
    sinceMs: 60_000,
    awaits: ['plant-2/arm-1']
  },
  'push-unknown': { why: 'push-unknown', push: 'p' },
  'no-devices': { why: 'no-devices', scope: 'desert' },
  'old-fence': { why: 'old-fence', lock: '*:aim', fence: 6, floor: 8, holder: blocker },
  'lock-not-held': { why: 'lock-not-held', lock: '*:aim', fence: 6, holder: blocker },
  'lock-does-not-cover': { why: 'lock-does-not-cover', lock: 'a:aim', scope: 'b:aim' }
}

const codes = Object.keys(ERRORS) as ErrorCode[]

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => join(folder, path))
}

const TABLE = 'protocol/errors.ts'

test('every refusal of the rules has a code of its own, and goes over the wire with words and a hint', () => {
  const used = new Set<string>()
  for (const refusal of Object.values(refusals)) {
    const code = CODE_OF[refusal.why]
    assert.ok(!used.has(code), `${code} stands for two refusals`)
    used.add(code)
    const wire = refusalToWire(refusal)
    assert.deepEqual([wire.code, wire.why], [code, refusal.why])
    const hint = ERRORS[code].hint
    assert.equal(wire.hint, refusal.why === 'push-under-way' ? hint.replace('PUSH', refusal.push) : hint)
    assert.ok(wire.message.length > 5, wire.message)
    assert.ok(!/undefined|\[object|NaN/.test(wire.message), wire.message)
  }
  assert.equal(used.size, Object.keys(CODE_OF).length)
})

test('what the rules say of a device of a push goes over the wire as a code, and each has one of its own', () => {
  const said = readFileSync(join(SRC, 'rules/push.ts'), 'utf8').matchAll(/code: '([a-z-]+)'/g)
  const verdicts = new Set([...said].map(([, verdict]) => verdict))
  assert.deepEqual([...verdicts].sort(), Object.keys(CODE_OF_VERDICT).sort())
  assert.equal(new Set(Object.values(CODE_OF_VERDICT)).size, verdicts.size)
  const device = { device: 'a', state: 'unreachable', detail: '', version: null } as const
  const devices = Object.keys(CODE_OF_VERDICT).map((code) => ({ ...device, code }))
  const push = { id: 'p', session: 1, state: 'done', why: '', devices } as unknown as Push
  const fleet = new Fleet({ ttlMs: 1000, policy: () => DEFAULT_POLICY })
  const at = { term: 1, rev: 1, fenceHigh: 0 }
  const wire = replyToWire(fleet, { reply: { op: 'push', id: 'p', session: 1, seq: 0, push }, at }, 0)
  assert.deepEqual(wire.op === 'push' && wire.devices.map(({ code }) => code), Object.values(CODE_OF_VERDICT))
})

test('the rules give every refusal that they know', () => {
  const rules = sources(join(SRC, 'rules'))
    .filter((path) => !path.endsWith('refusals.ts'))
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n')
  for (const why of Object.keys(refusals))
    assert.ok(rules.includes(`why: '${why}'`), `no rule refuses with ${why}`)
})

test('who is in the way of a busy lock is named, with what frees it and when', () => {
  assert.equal(
    describe(refusals.busy),
    '*:aim is held by node-7 for 0.1 s (freed by reclaim in 1.5 s at the latest)'
  )
  assert.ok(describe({ why: 'busy', blockers: [{ ...blocker, owner: null }] }).includes('nobody'))
  const ghost = { ...blocker, state: 'orphaned' } as const
  assert.match(describe({ why: 'busy', blockers: [ghost] }), /^\*:aim is orphaned, last held by node-7 for/)
  const slot = { scope: 'plant-2', most: 3 }
  assert.match(describe({ why: 'busy', blockers: [{ ...blocker, slot }] }), /one of 3 slots below plant-2/)
})

test('who holds, since when, what frees it and when: each refusal that a holder causes says so', () => {
  const words = {
    'holds-already': /holds \*:aim \(for 2.5 s\)/,
    'forbidden-by-policy': /x may not lock \*:aim, which covers plant-2:aim; the policy allows y/,
    'request-ended': /ended 1.5 s ago: released/,
    'identity-taken': /device plant-1\/arm-7, last heard 0.9 s ago; it is free .* silent for 14.1 s/,
    'push-under-way': /by x to \* is under way \(for 60 s\); .* an answer of plant-2\/arm-1/,
    'old-fence': /the floor is 8; \*:aim is held by node-7 for 0.1 s \(freed by reclaim in 1.5 s/,
    'lock-not-held': /\*:aim is held by node-7 for 0.1 s \(freed by reclaim in 1.5 s/
  } as const
  for (const [why, expected] of Object.entries(words))
    assert.match(describe(refusals[why as keyof typeof words]), expected)
  assert.match(describe({ ...refusals['identity-taken'], by: null }), /is not that of device/)
  assert.match(describe({ ...refusals['old-fence'], holder: null }), /the floor is 8$/)
})

test('an unknown resource is answered with those that are known, and the one that was probably meant', () => {
  assert.equal(
    describe(refusals['unknown-resource']),
    'resource "aime" is unknown; known are aim, safety; did you mean "aim"?'
  )
  assert.doesNotMatch(describe({ ...refusals['unknown-resource'], resource: 'tea' }), /did you mean/)
})

test('every code has a title, a hint and an exit code, and belongs to one of the hundreds', () => {
  const exits = new Set([1, 2, 69, 75, 77, 78, 124, 126, 127])
  const titles = new Set<string>()
  for (const code of codes) {
    assert.match(code, /^LK-[1-79]0\d\d$/)
    const { title, hint, exit } = ERRORS[code]
    assert.ok(title.length > 5 && !title.endsWith('.'), title)
    assert.ok(hint.length > 5, hint)
    assert.ok(exits.has(exit), `${code} exits ${exit}`)
    assert.ok(!titles.has(title), `two codes say "${title}"`)
    titles.add(title)
  }
})

test('every code of the table is used, and every code that is used is in the table', () => {
  const used = new Set<string>([CODE_OF, CODE_OF_VERDICT].flatMap((table) => Object.values(table)))
  for (const path of sources(SRC)) {
    if (path.endsWith(TABLE)) continue
    for (const [code] of readFileSync(path, 'utf8').matchAll(/LK-\d{4}/g))
      if (code !== 'LK-1234') used.add(code)
  }
  assert.deepEqual([...used].filter((code) => !(code in ERRORS)).sort(), [], 'used, and not in the table')
  assert.deepEqual(
    codes.filter((code) => !used.has(code)),
    [],
    'in the table, and not used'
  )
})

test('an error carries its code, its hint and its exit', () => {
  const error = new LocksmithError('LK-1016', 'the lease ran out')
  assert.deepEqual([error.code, error.exit, error.hint], ['LK-1016', 124, ERRORS['LK-1016'].hint])
  assert.equal(new LocksmithError('LK-1016', 'x', 'do this').hint, 'do this')
})
