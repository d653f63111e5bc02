import { randomInt } from 'node:crypto'
import { mutants as all } from './mutants/list.ts'
import type { Mutant } from './mutants/mutant.ts'
import { runMutant, UnknownMutant } from './mutants/run.ts'
import { type Report, runSeeds } from './seeds.ts'
import { USUAL_MINUTES } from './world.ts'

export { type CommandOptions, runSimulation } from './command.ts'
export { allPairs, type Pair } from './faults/pairs.ts'
export { FAULT_NAMES, FAULTS, MOMENTS } from './faults/table.ts'
export { type RunResult, runSeed } from './run.ts'
export type { Report } from './seeds.ts'
export type { Invariant, Violation } from './world.ts'
export { WORLD_NAMES } from './worlds.ts'
export { type Mutant, UnknownMutant }

export interface SimulationOptions {
  readonly seeds?: number
  /** The first seed; drawn unless given. */
  readonly seed?: number | undefined
  /** Virtual minutes of each seed. */
  readonly minutes?: number
  readonly mutant?: string | undefined
  /** Which world; drawn unless given, or that of the mutant. */
  readonly world?: string | undefined
  /** Looks for fewer faults that break the same promise. */
  readonly shrink?: boolean
  /** Of the faults of a seed only these, by their numbers. */
  readonly only?: readonly number[]
  readonly stop?: AbortSignal
}

/** The mistakes that can be planted, and the promises that each breaks. */
export const mutants: readonly Mutant[] = all

/**
 * Runs the product on virtual time under faults and judges its promises after every event. Ends at the first violation.
 * @throws UnknownMutant
 */
export function simulate(options: SimulationOptions = {}): Promise<Report> {
  const { seeds = 20, minutes = USUAL_MINUTES, mutant, world, shrink = false, only, stop } = options
  const plan = { seed: options.seed ?? randomInt(1, 2 ** 31), seeds, minutes, world, shrink, only }
  return mutant === undefined ? runSeeds(plan, stop) : runMutant(mutant, plan, stop)
}
