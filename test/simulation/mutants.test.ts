import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { mutants, simulate, UnknownMutant, WORLD_NAMES } from '../../src/simulation/index.ts'
import { tableOf } from './mutants-table.ts'

/** Each is hunted from so many places that nobody has chosen; `npm run mutants` asks for more. */
const PLACES = Number(process.env.MUTANT_PLACES ?? 1)
/** Virtual minutes of a seed in a world without a story. */
const MINUTES = 2

// Every process that is started here compiles the same files.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('../../node_modules/.cache/node', import.meta.url))

describe('planted mistakes', { concurrency: 2 }, () => {
  for (const { name, says, breaks, world, within } of mutants) {
    test(`${name} is found in ${world} within ${within} seeds: ${says}`, async (t) => {
      for (let place = 0; place < PLACES; place += 1) {
        const seed = randomInt(1, 2 ** 31)
        const report = await simulate({ mutant: name, seed, seeds: within, minutes: MINUTES })
        const [found] = report.violations
        assert.ok(found, `not found within ${within} seeds from ${seed}`)
        const { invariant, what, command, history } = found
        const story = `promise ${invariant}: ${what}\n${command}\n${history.join('\n')}`
        assert.ok(breaks.includes(invariant), story)
        assert.ok(command.endsWith(`--world ${world} --mutant ${name}`), command)
        t.diagnostic(
          `promise ${invariant} after ${report.seeds} seeds, ${report.seconds.toFixed(1)} s: ${what}`
        )
      }
    })
  }
})

test('there are at least thirty mistakes, of one name each, and the control is among them', () => {
  const names = mutants.map(({ name }) => name)
  assert.ok(names.length >= 30)
  assert.equal(new Set(names).size, names.length)
  assert.ok(names.includes('no-fencing'))
  for (const { name, world } of mutants) assert.ok(WORLD_NAMES.includes(world), `${name}: no world ${world}`)
})

test('the line that each mistake changes is there exactly once', () => {
  for (const { name, file, from } of mutants) {
    const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
    assert.equal(text.split(from).length - 1, 1, `${name}: ${file}`)
  }
})

test('the table of the README is the list of mistakes', () => {
  const readme = readFileSync(new URL('../../src/simulation/README.md', import.meta.url), 'utf8')
  assert.ok(readme.includes(tableOf(mutants)), `the table would be:\n${tableOf(mutants)}`)
})

test('an unknown mistake is refused with the names of the known ones', async () => {
  const refused = async () => simulate({ mutant: 'no-such', seeds: 1 })
  await assert.rejects(refused, (error) => error instanceof UnknownMutant && /no-fencing/.test(error.message))
})
