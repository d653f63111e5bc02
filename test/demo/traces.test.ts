import assert from 'node:assert/strict'
import { appendFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Trace } from '../../src/demo/traces.ts'
import { temporaryFolder } from '../support/temporary.ts'

const line = (atMs: number): string => {
  const state = { position: 0, moving: false, paused: true, params: {}, fences: {}, refusals: {} }
  return `${JSON.stringify({ atMs, tMs: atMs, ...state, staged: [], unverified: [] })}\n`
}

test('no line is lost over the turn of a trace to a new file, nor after somebody removed it', (t) => {
  const file = join(temporaryFolder(t), 'trace.jsonl')
  const trace = new Trace('arm-1', file)
  t.after(() => trace.close())
  const seen: number[] = []
  trace.watch(({ atMs }) => seen.push(atMs))
  trace.read()
  writeFileSync(file, line(1))
  trace.read()
  appendFileSync(file, line(2))
  renameSync(file, `${file}.1`)
  writeFileSync(file, line(3))
  trace.read()
  appendFileSync(file, line(4))
  trace.read()
  assert.deepEqual(seen, [1, 2, 3, 4])
  rmSync(file)
  trace.read()
  assert.equal(trace.last?.atMs, 4)
})
