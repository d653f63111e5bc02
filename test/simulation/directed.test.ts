import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { runSeed, WORLD_NAMES } from '../../src/simulation/index.ts'

const SEEDS = 3

for (const world of WORLD_NAMES.filter((name) => name !== 'locks' && name !== 'fleet')) {
  test(`the story ${world} comes to its end, and breaks no promise`, async () => {
    const first = randomInt(1, 2 ** 31)
    for (let seed = first; seed < first + SEEDS; seed += 1) {
      const { violation, stuck } = await runSeed(seed, 2, { world })
      assert.equal(
        violation,
        undefined,
        `${violation?.what}\n${violation?.command}\n${violation?.history.join('\n')}`
      )
      assert.equal(stuck, undefined, `seed ${seed}: ${stuck}`)
    }
  })
}
