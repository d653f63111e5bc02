import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limitedLog } from '../../src/platform/limited-log.ts'
import type { LogFields } from '../../src/platform/logger.ts'
import { HandClock } from '../support/hand-clock.ts'

const MINUTE_MS = 60_000

function opened() {
  const clock = new HandClock()
  const lines: (LogFields & { readonly level: string; readonly message: string })[] = []
  const line =
    (level: string) =>
    (fields: LogFields, message: string): void =>
      void lines.push({ ...fields, level, message })
  const under = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
  const limited = { garbage: ({ from }: LogFields) => from, claim: ({ from }: LogFields) => from }
  return { clock, lines, log: limitedLog(under, clock, limited, { first: 2, everyMs: MINUTE_MS, kinds: 10 }) }
}

test('an event that is limited is said twice, then once a minute with how many were left out, also when no more come', async () => {
  const { clock, lines, log } = opened()
  for (let at = 0; at < 100; at += 1) {
    log.warn({ event: 'garbage', from: 'x', at }, 'not understood')
    await clock.advance(100)
  }
  assert.equal(lines.length, 2)
  await clock.advance(MINUTE_MS)
  const last = lines.at(-1)
  assert.deepEqual([lines.length, last?.level, last?.leftOut, last?.at], [3, 'warn', 98, 99])
  assert.equal(last?.message, '98 more like this were left out: not understood')
  await clock.advance(10 * MINUTE_MS)
  assert.equal(lines.length, 3)
})

test('who else causes it is not silenced, and other events are never limited', () => {
  const { lines, log } = opened()
  for (const from of ['x', 'y']) for (let at = 0; at < 5; at += 1) log.warn({ event: 'garbage', from }, 'no')
  for (let at = 0; at < 50; at += 1) log.warn({ event: 'HOT', lock: '*:aim' }, 'HOT')
  for (let at = 0; at < 5; at += 1) log.error({ event: 'constructor' }, 'a name of every object')
  assert.deepEqual([lines.length, lines.filter(({ event }) => event === 'HOT').length], [4 + 50 + 5, 50])
})

test('a flood under ever new names hides no other event', () => {
  const { lines, log } = opened()
  for (let index = 0; index < 1000; index += 1) log.warn({ event: 'garbage', from: `x-${index}` }, 'no')
  assert.equal(lines.length, 10 + 2)
  log.warn({ event: 'claim', from: 'arm-7' }, 'a fence that is not believed')
  assert.deepEqual(lines.at(-1)?.from, 'arm-7')
})

test('what was left out is told at the end, and nothing is said by time any more', async () => {
  const { clock, lines, log } = opened()
  for (let at = 0; at < 5; at += 1) log.warn({ event: 'garbage', from: 'x' }, 'no')
  log.close()
  assert.equal(clock.pending, 0)
  assert.equal(lines.at(-1)?.leftOut, 3)
  await clock.advance(10 * MINUTE_MS)
  assert.equal(lines.length, 3)
})
