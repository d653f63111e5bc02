import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { mutants, simulate, UnknownMutant } from '../../src/simulation/index.ts'

interface Budget {
  /** The first seed: one that was known to find it. Every change of the product shifts what a seed brings. */
  readonly from: number
  /** It is found within so many seeds, of two virtual minutes each. */
  readonly within: number
}

const budgets: Readonly<Record<string, Budget>> = {
  'lease-from-receipt': { from: 56, within: 80 },
  'lease-left-forgotten': { from: 4, within: 40 },
  'fence-drawn-twice': { from: 1, within: 5 },
  'marks-set-anew': { from: 8, within: 100 },
  'no-fencing': { from: 1, within: 20 },
  'deadline-far-away': { from: 68, within: 100 },
  'standstill-believed': { from: 1, within: 20 },
  'no-config-hold': { from: 1, within: 60 }
}

describe('planted mistakes', { concurrency: 2 }, () => {
  for (const { name, says, breaks } of mutants) {
    const { from, within } = budgets[name] ?? { from: 1, within: 0 }
    test(`${name} is found by promise ${breaks} and no other: ${says}`, async (t) => {
      const report = await simulate({ mutant: name, seed: from, seeds: within, minutes: 2 })
      const [found] = report.violations
      assert.ok(found, `not found within ${within} seeds`)
      assert.equal(found.invariant, breaks, `${found.what}\n${found.history.join('\n')}`)
      assert.ok(found.command.endsWith(`--mutant ${name}`))
      assert.ok(found.history.length > 5)
      t.diagnostic(`seed ${found.seed}, ${report.seconds.toFixed(1)} s: ${found.what}`)
    })
  }
})

test('each of the five promises has a mistake that only it finds', () => {
  assert.deepEqual([...new Set(mutants.map((one) => one.breaks))].sort(), [1, 2, 3, 4, 6])
  assert.deepEqual(Object.keys(budgets).sort(), mutants.map((one) => one.name).sort())
})

test('an unknown mistake is refused with the names of the known ones', async () => {
  const refused = async () => simulate({ mutant: 'no-such', seeds: 1 })
  await assert.rejects(refused, (error) => error instanceof UnknownMutant && /no-fencing/.test(error.message))
})
