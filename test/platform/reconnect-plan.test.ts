import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Attempt, type Ending, firstAttempt, nextAttempt } from '../../src/platform/reconnect-plan.ts'

const backoff = { firstMs: 100, longestMs: 2000 }

/** The attempts after each of the endings, with chance at its largest. */
function play(...endings: readonly Ending[]): readonly Attempt[] {
  const attempts: Attempt[] = []
  for (const ending of endings)
    attempts.push(nextAttempt(attempts.at(-1) ?? firstAttempt, ending, backoff, 1))
  return attempts
}

const version: Ending = { kind: 'version' }
const failed: Ending = { kind: 'failed' }
const lost = (livedMs: number): Ending => ({ kind: 'lost', livedMs })

test('MQTT 5 is tried first, 3.1.1 at once after it was turned away', () => {
  assert.equal(firstAttempt.version, 5)
  const [second] = play(version)
  assert.deepEqual([second?.version, second?.delayMs], [4, 0])
})

test('two versions turned away in a row are followed by a pause, which grows', () => {
  const attempts = play(version, version, version, version, version, version)
  assert.deepEqual(
    attempts.map((attempt) => attempt.version),
    [4, 5, 4, 5, 4, 5]
  )
  assert.deepEqual(
    attempts.map((attempt) => attempt.delayMs),
    [0, 100, 0, 200, 0, 400]
  )
})

test('the version that worked is kept when the connection is lost or the broker is away', () => {
  const attempts = play(version, lost(60_000), failed, failed)
  assert.deepEqual(
    attempts.map((attempt) => attempt.version),
    [4, 4, 4, 4]
  )
})

test('pauses double up to the longest, and begin anew only after a connection that lasted', () => {
  const fleeting = play(...Array.from({ length: 7 }, () => lost(1000)))
  assert.deepEqual(
    fleeting.map((attempt) => attempt.delayMs),
    [100, 200, 400, 800, 1600, 2000, 2000]
  )
  assert.deepEqual(play(failed, failed, failed, lost(5000)).at(-1)?.delayMs, 100)
})

test('chance spreads a pause over its upper half', () => {
  const pause = (chance: number): number => nextAttempt(firstAttempt, failed, backoff, chance).delayMs
  assert.deepEqual([pause(0), pause(0.5), pause(1)], [50, 75, 100])
})

test('a hundred years of failures do not overflow the pause', () => {
  const old: Attempt = { version: 5, failures: 1e9, swapped: false, delayMs: 0 }
  assert.equal(nextAttempt(old, failed, backoff, 1).delayMs, 2000)
})
