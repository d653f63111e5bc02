import { addPairs, type PairCounts } from './faults/pairs.ts'
import { runSeed } from './run.ts'
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

/** Runs one seed after another; ends at the first violation unless told to go on. */
export async function runSeeds(options: SeedsOptions, stop?: AbortSignal): Promise<Report> {
  const violations: Violation[] = []
  const pairs: PairCounts = {}
  let [seeds, events, deviceHours, faults] = [0, 0, 0, 0]
  const began = performance.now()
  const late = (): boolean => performance.now() - began > (options.wallMs ?? Number.POSITIVE_INFINITY)
  while (seeds < options.seeds && !stop?.aborted && !late()) {
    const result = await runSeed(options.seed + seeds, options.minutes, {
      devices: options.devices,
      world: options.world
    })
    seeds += 1
    events += result.events
    deviceHours += result.deviceHours
    faults += result.dealt.length
    addPairs(pairs, result.pairs)
    if (result.violation === undefined) continue
    violations.push(result.violation)
    if (options.all !== true) break
  }
  return {
    seeds,
    deviceHours,
    faults,
    violations,
    pairs,
    events,
    seconds: (performance.now() - began) / 1000
  }
}
