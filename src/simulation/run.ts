import type { Stage } from './directed/stage.ts'
import type { PairCounts } from './faults/pairs.ts'
import type { Scripted } from './faults/script.ts'
import { probe } from './judges/probe.ts'
import { becalm, judgeRest, restMs } from './judges/rest.ts'
import type { StageOptions } from './scene.ts'
import { type Violation, World } from './world.ts'
import { buildWorld } from './worlds.ts'

export interface RunResult {
  readonly seed: number
  readonly violation: Violation | undefined
  /** Why a directed story did not come to its end. */
  readonly stuck: string | undefined
  readonly events: number
  readonly virtualMs: number
  readonly deviceHours: number
  readonly pairs: PairCounts
  /** Every fault that was injected, in order. */
  readonly dealt: readonly Scripted[]
  /** The same for the same seed, to the byte. */
  readonly digest: string
}

const LONGEST_STORY_MS = 3_600_000

/** Runs one seed for so many virtual minutes, or until a promise is broken. */
export async function runSeed(seed: number, minutes: number, options: StageOptions = {}): Promise<RunResult> {
  const world = new World(seed, minutes)
  const { dealer, judges, locksmith, devices, deviceCount, stage } = buildWorld(world, options)
  const look = (): void => {
    for (const judge of judges) judge()
  }
  try {
    if (stage === undefined) await world.timeline.run(minutes * 60_000, look)
    else await tell(world, stage, look)
    if (world.violation === undefined) {
      becalm(world, locksmith, devices)
      await world.timeline.run(world.timeline.now + restMs(world), look)
    }
    if (world.violation === undefined) judgeRest(world, locksmith, devices)
    if (world.violation === undefined) await probe(world, devices, look)
    if (world.violation === undefined) judgeRest(world, locksmith, devices)
  } catch (error) {
    throw new Error(`something threw in the run of seed ${seed}`, { cause: error })
  }
  const virtualMs = world.timeline.now
  return {
    seed,
    violation: violationOf(world, options),
    stuck: stage?.stuck,
    events: world.timeline.events,
    virtualMs,
    deviceHours: (deviceCount * virtualMs) / 3_600_000,
    pairs: dealer.pairs,
    dealt: dealer.dealt,
    digest: world.history.digest()
  }
}

/** A story takes as long as it takes. */
async function tell(world: World, stage: Stage, look: () => void): Promise<void> {
  while (!stage.over && world.violation === undefined && world.timeline.now < LONGEST_STORY_MS)
    await world.timeline.run(world.timeline.now + 1000, look)
}

function violationOf({ violation }: World, { world }: StageOptions): Violation | undefined {
  if (violation === undefined || world === undefined) return violation
  return { ...violation, command: `${violation.command} --world ${world}` }
}
