import type { Device } from '../device/device.ts'
import type { Dice } from '../dice.ts'
import type { Host } from '../host.ts'
import type { LocksmithHost } from '../programs/locksmith.ts'
import type { Rival } from '../programs/rival.ts'
import type { World } from '../world.ts'

/** What there is in a world to be struck. */
export interface Scene {
  readonly world: World
  readonly locksmith: LocksmithHost
  readonly devices: readonly Device[]
  readonly rival: Rival
}

/**
 * Whom a kind of fault strikes: any process but Locksmith, a device with its controllers, Locksmith with its machine, or the
 * broker, which is everybody's.
 */
export type Victim = 'process' | 'device' | 'locksmith' | 'broker'

/** One kind of fault. What it does is drawn from the dice that it is handed, and from no others: dropping it shifts no other fault. */
export interface FaultKind {
  readonly name: string
  readonly says: string
  readonly on: Victim
  /** How often it comes by itself in the roughest runs. */
  readonly mostPerMinute: number
  /** Returns what happened in words; undefined when there was nothing to strike. */
  readonly strike: (scene: Scene, victim: string, dice: Dice) => string | undefined
}

/** Strikes in the very moment in which a process acts: the dealer asks for it there. */
export interface MomentKind {
  readonly name: string
  readonly says: string
  readonly at: 'effect' | 'write' | 'commit'
  /** Chance at each such moment, in the roughest runs. */
  readonly most: number
  readonly does: Moment
}

export type Moment = 'stop' | 'kill' | 'before' | 'torn' | 'after'

export const hostOf = ({ world }: Scene, name: string): Host | undefined =>
  world.hosts.find((host) => host.name === name)

export const deviceOf = ({ devices }: Scene, name: string): Device | undefined =>
  devices.find((device) => device.name === name)
