import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { allPairs, FAULT_NAMES, type Pair, simulate } from '../../src/simulation/index.ts'

/** Virtual minutes of each run, and how many runs. `SIM_SEED` names the first. */
const minutes = 1
const seeds = 24

test('none of the promises is broken on seeds that nobody has chosen', async (t) => {
  const seed = Number(process.env.SIM_SEED ?? randomInt(1, 2 ** 31))
  t.diagnostic(
    `npm run --silent locksmith -- simulate --seed ${seed} --seeds ${seeds} --run-minutes ${minutes}`
  )
  const report = await simulate({ seed, seeds, minutes })
  const [broken] = report.violations
  const story = broken && `${broken.what}\n${broken.command}\n${broken.history.join('\n')}`
  assert.equal(broken, undefined, story)
  assert.equal(report.seeds, seeds)
  assert.ok(report.faults > seeds, `only ${report.faults} faults happened`)
})

test('faults of every kind happen, and meet changes at every step and locks in every state', async () => {
  const { pairs } = await simulate({ seed: 1, seeds: 30, minutes: 2 })
  const all = allPairs(pairs, FAULT_NAMES)
  const sum = (chosen: readonly Pair[]): number => chosen.reduce((count, pair) => count + pair.count, 0)
  for (const name of FAULT_NAMES)
    assert.ok(sum(all.filter(({ fault }) => fault === name)) > 0, `${name} never happened`)
  for (const name of new Set(all.map(({ state }) => state)))
    assert.ok(sum(all.filter(({ state }) => state === name)) > 0, `no fault met ${name}`)
})
