import assert from 'node:assert/strict'
import { test } from 'node:test'
import { usableMs } from '../../src/rules/drift.ts'

/** As far as a clock may be steered. */
const STEERED = 500 / 1e6

test('who was lent a lease has stopped before it is over, though its clock is the slowest and the other one the fastest', () => {
  for (const leaseMs of [1, 1000, 15_000, 3_600_000]) {
    const stopsAfterMs = usableMs(leaseMs) / (1 - STEERED)
    const overAfterMs = leaseMs / (1 + STEERED)
    assert.ok(stopsAfterMs <= overAfterMs, `${stopsAfterMs} after ${overAfterMs}`)
    assert.ok(usableMs(leaseMs) > 0.99 * leaseMs)
  }
})
