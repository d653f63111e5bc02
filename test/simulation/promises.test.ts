import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { simulate } from '../../src/simulation/index.ts'

/** Virtual minutes of each run, and how many runs. `SIM_SEED` names the first. */
const minutes = 1
const seeds = 24

test('none of the five promises is broken on seeds that nobody has chosen', async (t) => {
  const seed = Number(process.env.SIM_SEED ?? randomInt(1, 2 ** 31))
  t.diagnostic(`npm run --silent locksmith -- simulate --seed ${seed} --seeds ${seeds} --minutes ${minutes}`)
  const report = await simulate({ seed, seeds, minutes })
  const [broken] = report.violations
  const story = broken && `${broken.what}\n${broken.command}\n${broken.history.join('\n')}`
  assert.equal(broken, undefined, story)
  assert.equal(report.seeds, seeds)
  assert.ok(report.faults > seeds, `only ${report.faults} faults happened`)
})

test('faults of every kind happen, and meet changes at every step', async () => {
  const { met } = await simulate({ seed: 1, seeds: 40, minutes })
  const faults = new Set(Object.keys(met).map((key) => key.split(' × ')[0]))
  const states = new Set(Object.keys(met).map((key) => key.split(' × ')[1]))
  for (const fault of ['kill', 'kill Locksmith', 'stop at an effect', 'broker restart', 'cut line'])
    assert.ok(faults.has(fault), `${fault} never happened`)
  for (const fault of ['controller reset', 'line noise', 'power cut', 'crash loop'])
    assert.ok(faults.has(fault), `${fault} never happened`)
  for (const state of ['holding', 'acquire', 'pause', 'stage', 'commit', 'verify'])
    assert.ok(states.has(state), `no fault met ${state}`)
})
