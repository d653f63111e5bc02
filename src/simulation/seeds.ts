import type { FaultCounts } from './faults.ts'
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
}

export interface Report {
  readonly seeds: number
  readonly deviceHours: number
  readonly faults: number
  readonly violations: readonly Violation[]
  /** How often each fault met each state. */
  readonly met: FaultCounts
  readonly events: number
  readonly seconds: number
}

/** Runs one seed after another; ends at the first violation unless told to go on. */
export async function runSeeds(options: SeedsOptions, stop?: AbortSignal): Promise<Report> {
  const violations: Violation[] = []
  const met: FaultCounts = {}
  let [seeds, events, deviceHours] = [0, 0, 0]
  const began = performance.now()
  while (seeds < options.seeds && !stop?.aborted) {
    const result = await runSeed(options.seed + seeds, options.minutes)
    seeds += 1
    events += result.events
    deviceHours += result.deviceHours
    for (const [fault, count] of Object.entries(result.faults)) met[fault] = (met[fault] ?? 0) + count
    if (result.violation === undefined) continue
    violations.push(result.violation)
    if (options.all !== true) break
  }
  const faults = Object.values(met).reduce((sum, count) => sum + count, 0)
  return { seeds, deviceHours, faults, violations, met, events, seconds: (performance.now() - began) / 1000 }
}
