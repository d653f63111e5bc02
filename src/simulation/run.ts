import type { FaultCounts } from './faults.ts'
import { buildFleetWorld } from './fleet-world.ts'
import { becalm, judgeRest, restMs } from './judges/rest.ts'
import { buildLocksWorld } from './locks-world.ts'
import { type Violation, World } from './world.ts'

export interface RunResult {
  readonly seed: number
  readonly violation: Violation | undefined
  readonly events: number
  readonly virtualMs: number
  readonly deviceHours: number
  readonly faults: FaultCounts
  /** The same for the same seed, to the byte. */
  readonly digest: string
}

/** This part of the seeds has no controllers. */
const LOCKS_ONLY = 0.4

/** Runs one seed for so many virtual minutes, or until a promise is broken. */
export async function runSeed(seed: number, minutes: number): Promise<RunResult> {
  const world = new World(seed)
  const build = world.dice.chance(LOCKS_ONLY) ? buildLocksWorld : buildFleetWorld
  const { faults, judges, locksmith, devices, deviceCount } = build(world)
  const look = (): void => {
    for (const judge of judges) judge()
  }
  try {
    await world.timeline.run(minutes * 60_000, look)
    if (world.violation === undefined) {
      becalm(world, locksmith, devices)
      await world.timeline.run(world.timeline.now + restMs(world), look)
      if (world.violation === undefined) judgeRest(world, locksmith, devices)
    }
  } catch (error) {
    throw new Error(`something threw in the run of seed ${seed}`, { cause: error })
  }
  const virtualMs = world.timeline.now
  return {
    seed,
    violation: world.violation,
    events: world.timeline.events,
    virtualMs,
    deviceHours: (deviceCount * virtualMs) / 3_600_000,
    faults: faults.counts,
    digest: world.history.digest()
  }
}
