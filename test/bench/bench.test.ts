import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { mosquittoMissing } from '../support/mosquitto.ts'
import { startNode } from '../support/processes.ts'
import type { Figures } from './figures.ts'

const bench = fileURLToPath(new URL('./main.ts', import.meta.url))

test('a benchmark prints nothing but its machine and its rows, each with a value, and one with a ratio to the floor of the same run', {
  skip: mosquittoMissing()
}, async (t) => {
  const run = startNode(t, [bench, 'acquire', '--rounds', '1'])
  assert.equal((await run.exited(60_000)).code, 0, run.stderr)
  const { machine, rows } = JSON.parse(run.stdout) as Figures
  assert.match(machine, /GiB.*Node \d/)
  assert.deepEqual(
    rows.map((row) => [row.case, row.system, row.metric, row.unit, row.ratioTo]),
    [
      ['acquire alone, durable', 'echo with one fdatasync', 'p50', 'ms', undefined],
      ['acquire alone, durable', 'locksmith', 'p50', 'ms', 'echo with one fdatasync']
    ]
  )
  for (const { value } of rows) assert.ok(value > 0)
  const [floor, ours] = rows
  assert.ok(floor !== undefined && ours?.ratio !== undefined)
  assert.ok(Math.abs(ours.ratio - ours.value / floor.value) < 0.1)
})

test('a benchmark that does not exist, and a number of rounds that is none, end with 2 and name those that do', async (t) => {
  for (const words of [['lunch'], ['acquire', 'constructor'], ['acquire', '--rounds', 'many'], ['--lunch']]) {
    const run = startNode(t, [bench, ...words])
    assert.equal((await run.exited()).code, 2, words.join(' '))
    assert.equal(run.stdout, '')
    assert.match(run.stderr, /there are: acquire, pause, ghost, agent/)
  }
})
