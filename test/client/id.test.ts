import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeId } from '../../src/client/index.ts'

const WELL_FORMED = /^[0-9a-hjkmnp-tv-z]{20}$/

test('ids that are drawn with a time sort by it', () => {
  const times = [0, 1, 31, 32, 1_764_000_000_000, 1_764_000_000_001, 1_800_000_000_000]
  const ids = times.map((at) => makeId(Math.random, new Date(at)))
  assert.deepEqual([...ids].sort(), ids)
})

test('ids of one moment differ', () => {
  const at = new Date(1_764_000_000_000)
  assert.equal(new Set(Array.from({ length: 1000 }, () => makeId(Math.random, at))).size, 1000)
})

test('whatever the clock and the dice say, an id is 20 characters that need no escaping', () => {
  const times = [undefined, new Date(-1), new Date(0), new Date(8.64e15), new Date(Number.NaN)]
  for (const at of times) {
    for (const random of [() => 0, () => 1 - 2 ** -47, Math.random])
      assert.match(makeId(random, at), WELL_FORMED)
  }
})
