import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { LineLimit } from '../../src/platform/line-limit.ts'

const MINUTE_MS = 60_000
const plan = { first: 3, everyMs: MINUTE_MS, kinds: 2 }

const said = (limit: LineLimit, kind: string, at: number, times = 1): number =>
  Array.from({ length: times }, () => limit.admit(kind, at)).filter((one) => one.said).length

test('the first lines of a kind are said, the rest is counted, and the count may be told once a minute', () => {
  const limit = new LineLimit(plan)
  assert.equal(said(limit, 'a', 0, 10), 3)
  assert.deepEqual(limit.take(MINUTE_MS - 1), [])
  assert.equal(limit.nextAt(), MINUTE_MS)
  assert.equal(said(limit, 'a', MINUTE_MS), 0, 'the count is told first')
  assert.deepEqual(limit.take(MINUTE_MS), [{ kind: 'a', leftOut: 8 }])
  assert.equal(said(limit, 'a', MINUTE_MS + 1, 5), 0)
  assert.deepEqual(limit.take(MINUTE_MS + 2), [])
  assert.deepEqual(limit.take(2 * MINUTE_MS), [{ kind: 'a', leftOut: 5 }])
  assert.equal(limit.nextAt(), undefined)
})

test('a kind that has been quiet is said anew', () => {
  const limit = new LineLimit(plan)
  said(limit, 'a', 0, 4)
  limit.take(MINUTE_MS)
  assert.equal(said(limit, 'a', 4 * MINUTE_MS, 5), 3)
})

test('one kind takes nothing from another, and kinds beyond the limit share one', () => {
  const limit = new LineLimit(plan)
  assert.deepEqual(
    ['a', 'b'].map((kind) => said(limit, kind, 0, 4)),
    [3, 3]
  )
  const others = Array.from({ length: 1000 }, (_, index) => said(limit, `stranger-${index}`, 1))
  assert.equal(others.filter((count) => count > 0).length, 3)
  assert.deepEqual(limit.take(5 * MINUTE_MS), [
    { kind: 'a', leftOut: 1 },
    { kind: 'b', leftOut: 1 },
    { kind: '', leftOut: 997 }
  ])
  assert.equal(said(limit, 'newcomer', 10 * MINUTE_MS, 2), 2)
})

test('a clock that goes back neither says more nor loses a count', () => {
  const limit = new LineLimit(plan)
  said(limit, 'a', MINUTE_MS, 5)
  assert.equal(said(limit, 'a', 0, 5), 0)
  assert.deepEqual(limit.take(0, true), [{ kind: 'a', leftOut: 7 }])
})

test('whatever comes: every line is said or counted, and no more lines than the plan allows', () => {
  const step = fc.record({ kind: fc.constantFrom('a', 'b', 'c', 'd'), afterMs: fc.nat({ max: 30_000 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const limit = new LineLimit(plan)
      let now = 0
      let lines = 0
      let counted = 0
      const tell = (all: boolean): void => {
        for (const { leftOut } of limit.take(now, all)) {
          if (!all) lines += 1
          counted += leftOut
        }
      }
      for (const { kind, afterMs } of steps) {
        now += afterMs
        tell(false)
        if (limit.admit(kind, now).said) {
          lines += 1
          counted += 1
        }
      }
      tell(true)
      assert.equal(counted, steps.length)
      assert.ok(lines <= (plan.kinds + 1) * (plan.first + now / MINUTE_MS))
    })
  )
})
