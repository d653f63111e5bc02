import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDuration, parseDuration } from '../../src/protocol/duration.ts'
import { duration } from '../../src/protocol/duration-schema.ts'

test('a duration is a number with its unit', () => {
  const cases = {
    '500ms': 500,
    '15s': 15_000,
    '10m': 600_000,
    '2h': 7_200_000,
    '1.5s': 1500,
    '0s': 0,
    ' 5s ': 5000
  }
  for (const [text, ms] of Object.entries(cases)) assert.equal(parseDuration(text), ms, text)
})

test('what has no unit, an unknown unit, a sign, or is longer than a week is no duration', () => {
  for (const text of [
    '',
    '15',
    's',
    '-5s',
    '+5s',
    '5d',
    '1e3s',
    '5 s',
    '0x5s',
    '169h',
    '5s5s',
    '5S',
    'NaNs'
  ]) {
    assert.equal(parseDuration(text), undefined, JSON.stringify(text))
  }
})

test('a configuration file with a bad duration is told what a good one looks like', () => {
  assert.equal(duration.parse('10m'), 600_000)
  const refused = duration.safeParse('soon')
  assert.match(refused.error?.issues[0]?.message ?? '', /"soon" is no duration.*15s/)
})

test('a duration reads well to a person and is never rounded up', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0 ms'],
    [999.9, '999 ms'],
    [1000, '1 s'],
    [59_999, '59 s'],
    [65_000, '1 m 05 s'],
    [3_600_000, '1 h 00 m'],
    [90_000_000, '1 d 01 h'],
    [-1500, '-1 s']
  ]
  for (const [ms, text] of cases) assert.equal(formatDuration(ms), text)
})
