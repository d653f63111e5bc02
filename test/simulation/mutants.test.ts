import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { mutants, simulate, UnknownMutant } from '../../src/simulation/index.ts'

/**
 * Within so many seeds of two virtual minutes each planted mistake is found, from seed 1 on: several times as many as it
 * takes, because every change of the product shifts what a seed brings.
 */
const within: Readonly<Record<string, number>> = {
  'lease-from-receipt': 80,
  'lease-left-forgotten': 80,
  'fence-drawn-twice': 5,
  'marks-set-anew': 100,
  'no-fencing': 20,
  'deadline-far-away': 120,
  'standstill-believed': 20,
  'no-config-hold': 60
}

describe('planted mistakes', { concurrency: 2 }, () => {
  for (const { name, says, breaks } of mutants) {
    test(`${name} is found by promise ${breaks} and no other: ${says}`, async (t) => {
      const report = await simulate({ mutant: name, seed: 1, seeds: within[name] ?? 0, minutes: 2 })
      const [found] = report.violations
      assert.ok(found, `not found within ${within[name]} seeds`)
      assert.equal(found.invariant, breaks, `${found.what}\n${found.history.join('\n')}`)
      assert.ok(found.command.endsWith(`--mutant ${name}`))
      assert.ok(found.history.length > 5)
      t.diagnostic(`seed ${found.seed}, ${report.seconds.toFixed(1)} s: ${found.what}`)
    })
  }
})

test('each of the five promises has a mistake that only it finds', () => {
  assert.deepEqual([...new Set(mutants.map((one) => one.breaks))].sort(), [1, 2, 3, 4, 5])
  assert.deepEqual(Object.keys(within).sort(), mutants.map((one) => one.name).sort())
})

test('an unknown mistake is refused with the names of the known ones', async () => {
  const refused = async () => simulate({ mutant: 'no-such', seeds: 1 })
  await assert.rejects(refused, (error) => error instanceof UnknownMutant && /no-fencing/.test(error.message))
})
