import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  allPairs,
  type CommandOptions,
  FAULT_NAMES,
  FAULTS,
  MOMENTS,
  type Pair,
  runSeed,
  runSimulation,
  simulate
} from '../../src/simulation/index.ts'

interface Told {
  readonly seeds: number
  readonly deviceHours: number
  readonly faults: number
  readonly violations: readonly unknown[]
  readonly pairs: readonly Pair[]
  readonly never: readonly Omit<Pair, 'count'>[]
}

async function hunted(options: Partial<CommandOptions>): Promise<{ code: number; told: Told }> {
  let told: Told | undefined
  const out = {
    print: () => undefined,
    note: () => undefined,
    data: (value: unknown) => {
      told = value as Told
    }
  }
  const code = await runSimulation({
    ...{ seeds: 4, seed: 1, minutes: undefined, runMinutes: 1, devices: undefined, world: undefined },
    ...{ only: undefined, jobs: 1, mutant: undefined, all: true, listMutants: false, report: true },
    ...{ stop: new AbortController().signal, out },
    ...options
  })
  assert.ok(told !== undefined)
  return { code, told }
}

test('the report tells of every fault in every state how often they met, and which never did', async () => {
  const { told } = await hunted({})
  assert.equal(new Set(FAULT_NAMES).size, FAULT_NAMES.length, 'each fault is named once')
  const states = new Set(told.pairs.map(({ state }) => state))
  assert.ok(states.has('step commit') && states.has('lock orphaned'))
  assert.equal(told.pairs.length, states.size * FAULT_NAMES.length)
  const never = told.pairs.filter(({ count }) => count === 0).map(({ state, fault }) => ({ state, fault }))
  assert.deepEqual(told.never, never)
})

test('seeds that several processes share are the same seeds', async () => {
  const [alone, shared] = [await hunted({ jobs: 1 }), await hunted({ jobs: 2 })]
  assert.deepEqual(shared, alone)
})

test('a hunt ends with its time, and runs at least one seed', async () => {
  const { told } = await hunted({ seeds: undefined, minutes: 0.02, jobs: 2 })
  assert.ok(told.seeds >= 1)
})

test('all faults of a run, injected again by its script, tell the same story to the byte', async () => {
  for (const seed of [1, 2, 4]) {
    const first = await runSeed(seed, 2)
    const again = await runSeed(seed, 2, { script: first.dealt })
    assert.equal(again.digest, first.digest)
    assert.deepEqual([again.dealt, again.pairs], [first.dealt, first.pairs])
  }
})

test('of the faults that led to a violation only those are told that matter, and they alone repeat it', async () => {
  const plan = { mutant: 'lease-left-forgotten', world: 'locks', seeds: 60, minutes: 1 }
  for (let seed = 1; ; seed += 1) {
    const { violations } = await simulate({ ...plan, seed, shrink: true })
    const [found] = violations
    assert.ok(found, `not found within ${plan.seeds} seeds from ${seed}`)
    seed = found.seed
    const { shrunk } = found
    if (shrunk === undefined || shrunk.from < 4) continue
    assert.ok(shrunk.faults.length < shrunk.from)
    assert.match(shrunk.command, /--only (none|\d+(,\d+)*) --mutant lease-left-forgotten$/)
    const only = shrunk.faults.map(({ number }) => number)
    const [again] = (await simulate({ ...plan, seed: found.seed, seeds: 1, only })).violations
    assert.deepEqual([again?.what, again?.history], [shrunk.what, found.history])
    return
  }
})

test('a fleet of thirty devices is hunted like a small one', async () => {
  const { violation, deviceHours, pairs } = await runSeed(3, 1, { devices: 30 })
  assert.equal(violation, undefined, `${violation?.what}\n${violation?.command}`)
  assert.ok(deviceHours > 30 / 60)
  assert.ok(allPairs(pairs, FAULT_NAMES).some(({ count }) => count > 0))
})

test('the README of the simulation lists every kind of fault, with what it does', () => {
  const page = readFileSync(new URL('../../src/simulation/README.md', import.meta.url), 'utf8')
  const [, listed = ''] = /<!-- faults -->\n\n([\s\S]*)\n\n<!-- \/faults -->/.exec(page) ?? []
  const rows = [...FAULTS, ...MOMENTS].map(({ name, says }) => `| ${name} | ${says} |`)
  assert.equal(listed, ['| fault | what happens |', '| --- | --- |', ...rows].join('\n'))
})
