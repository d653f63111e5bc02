import { addPairs, type PairCounts } from './faults/pairs.ts'
import { type RunResult, runSeed } from './run.ts'
import { shrink } from './shrink.ts'
import type { Violation } from './world.ts'

export interface SeedsOptions {
  /** The first seed; the others follow it. */
  readonly seed: number
  readonly seeds: number
  /** Virtual time of each. */
  readonly minutes: number
  /** Go on after a violation. */
  readonly all?: boolean
  /** No further seed is begun after so much real time. */
  readonly wallMs?: number | undefined
  readonly devices?: number | undefined
  /** Which world every seed plays in; drawn unless given. */
  readonly world?: string | undefined
  /** Looks for fewer faults that break the same promise. */
  readonly shrink?: boolean
  /** Of the faults of the seed only these, by their numbers. */
  readonly only?: readonly number[] | undefined
}

export interface Report {
  readonly seeds: number
  readonly deviceHours: number
  readonly faults: number
  readonly violations: readonly Violation[]
  /** How often each fault met each state. */
  readonly pairs: PairCounts
  readonly events: number
  readonly seconds: number
}

/** What becomes of one seed, as small as it can be sent from process to process. */
export type SeedResult = Pick<RunResult, 'seed' | 'violation' | 'events' | 'deviceHours' | 'pairs'> & {
  readonly faults: number
}

/** Runs one seed, and looks for the faults that matter when it breaks a promise. */
export async function runOne(seed: number, options: Omit<SeedsOptions, 'seed'>): Promise<SeedResult> {
  const { minutes, devices, world, only } = options
  const stage = { devices, world }
  const whole = await runSeed(seed, minutes, stage)
  const script = only === undefined ? undefined : whole.dealt.filter(({ number }) => only.includes(number))
  const result = script === undefined ? whole : await runSeed(seed, minutes, { ...stage, script })
  const { events, deviceHours, pairs, dealt } = result
  const shrinks = options.shrink === true && only === undefined
  const violation = shrinks ? await shrink(result, { minutes, stage }) : result.violation
  return { seed, violation, events, deviceHours, pairs, faults: dealt.length }
}

/** Adds up what became of seeds. */
export class Tally {
  readonly #began = performance.now()
  readonly #violations: Violation[] = []
  readonly #pairs: PairCounts = {}
  #seeds = 0
  #events = 0
  readonly #hours = new Map<number, number>()
  #faults = 0

  add({ seed, violation, events, deviceHours, faults, pairs }: SeedResult): void {
    this.#seeds += 1
    this.#events += events
    this.#hours.set(seed, deviceHours)
    this.#faults += faults
    addPairs(this.#pairs, pairs)
    if (violation !== undefined) this.#violations.push(violation)
  }

  get passedMs(): number {
    return performance.now() - this.#began
  }

  get report(): Report {
    return {
      seeds: this.#seeds,
      // In the order of seeds, whoever was done first: a sum of fractions depends on it.
      deviceHours: [...this.#hours].sort(([a], [b]) => a - b).reduce((sum, [, hours]) => sum + hours, 0),
      faults: this.#faults,
      violations: this.#violations.toSorted((a, b) => a.seed - b.seed),
      pairs: this.#pairs,
      events: this.#events,
      seconds: this.passedMs / 1000
    }
  }
}

/** Runs one seed after another; ends at the first violation unless told to go on. */
export async function runSeeds(
  options: SeedsOptions,
  stop?: AbortSignal,
  ended?: (result: SeedResult, sofar: Tally) => void
): Promise<Report> {
  const tally = new Tally()
  for (let at = 0; at < options.seeds && !stop?.aborted; at += 1) {
    if (tally.passedMs > (options.wallMs ?? Number.POSITIVE_INFINITY)) break
    const result = await runOne(options.seed + at, options)
    tally.add(result)
    ended?.(result, tally)
    if (result.violation !== undefined && options.all !== true) break
  }
  return tally.report
}
