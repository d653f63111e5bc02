import type { Device } from './device/device.ts'
import type { Stage } from './directed/stage.ts'
import { Dealer } from './faults/dealer.ts'
import type { Scripted } from './faults/script.ts'
import type { LocksmithHost } from './programs/locksmith.ts'
import { Rival } from './programs/rival.ts'
import type { World } from './world.ts'

/** A world that is ready to run. */
export interface Staged {
  readonly world: World
  readonly locksmith: LocksmithHost
  readonly devices: readonly Device[]
  readonly dealer: Dealer
  readonly judges: readonly (() => void)[]
  /** How many devices there are, with or without controllers. */
  readonly deviceCount: number
  /** Where a directed story is told. */
  readonly stage?: Stage
}

export interface StageOptions {
  /** These faults and no others. */
  readonly script?: readonly Scripted[] | undefined
  /** How many devices; drawn unless given. */
  readonly devices?: number | undefined
  /** Which world; drawn unless given. */
  readonly world?: string | undefined
}

/** Deals faults to a world that is complete, and has what can be forgotten saved now and then. */
export function beginFaults(
  world: World,
  locksmith: LocksmithHost,
  { devices, script }: { devices: readonly Device[]; script: StageOptions['script'] }
): Dealer {
  const rival = new Rival(world)
  const dice = world.dice.fork('chores')
  const everyNowAndThen = (perMinute: number, work: () => void): void => {
    world.timeline.after(dice.untilNextMs(perMinute), () => {
      if (world.calm) return
      work()
      everyNowAndThen(perMinute, work)
    })
  }
  everyNowAndThen(3, () => locksmith.backUp())
  everyNowAndThen(2, () => world.broker.save())
  return new Dealer({ world, locksmith, devices, rival }, script)
}
