import type { Device } from '../device/device.ts'
import type { Dice } from '../dice.ts'
import type { FaultKind, MomentKind, Scene, Victim } from './kind.ts'
import type { PairCounts } from './pairs.ts'
import type { Trigger } from './script.ts'
import { type LockState, lockStates, type StoredLock, stateOfLock } from './states.ts'
import { FAULTS, MOMENTS } from './table.ts'

type AnyKind = FaultKind | MomentKind

export interface AimOptions {
  readonly dice: Dice
  /** What was met in this run so far. */
  readonly pairs: PairCounts
  readonly strike: (kind: FaultKind, victim: string, trigger: Trigger) => boolean
  /** The next such moment of a process is to be struck. */
  readonly arm: (kind: MomentKind, victim: string) => void
}

/** Whom to strike, while he is in a state. */
interface Target {
  readonly state: string
  readonly still: () => boolean
  /** Undefined when there is nobody of that kind. */
  readonly victimOf: (on: Victim) => string | undefined
}

/** Whose moment it is. */
const WHOSE: Readonly<Record<MomentKind['at'], Victim>> = {
  effect: 'process',
  write: 'device',
  commit: 'locksmith'
}

/** So often is a state struck with more zeal at the beginning of a run. */
const FIRST = 3

/** Seldom entered, whatever is done: what there is of them is used, and more than once. */
const RARE: ReadonlySet<string> = new Set([
  'step validate',
  'step hold',
  'step write',
  'step verify',
  'step release',
  'step undoing',
  'step in doubt',
  'lock held, to be cleared',
  'lock orphaned, cleared',
  'lock orphaned, fences raised'
])

/** A change is in doubt when its controller is away from the commit until the change has been given up. */
const DOUBTFUL: ReadonlySet<string> = new Set(['step commit', 'step verify', 'step undoing'])
const LEADS_TO_DOUBT = ['controller unplugged', 'serial silence', 'serial mute', 'serial deaf']

/**
 * Strikes when a change enters a step, or a lock a state: then a kind of fault is drawn, the likelier the less often it has met
 * that state in this run.
 */
export class Aim {
  readonly #scene: Scene
  readonly #o: AimOptions
  readonly #visits = new Map<string, number>()
  readonly #states = new Map<string, string>()
  #kinds: readonly AnyKind[] = []
  #perStep = 0
  #perState = 0
  /** In such a run many changes end in doubt. */
  #doubtful = false

  constructor(scene: Scene, options: AimOptions) {
    this.#scene = scene
    this.#o = options
  }

  /** Draws how it goes in this run. */
  begin(): void {
    const { dice } = this.#o
    this.#perStep = dice.chance(0.8) ? dice.stretched(0.02, 0.5) : 0
    this.#perState = dice.chance(0.7) ? dice.stretched(0.01, 0.2) : 0
    this.#doubtful = dice.chance(0.2)
    this.#kinds = [...FAULTS, ...MOMENTS].filter(() => dice.chance(0.6))
    if (this.#perState > 0) this.#scene.locksmith.onCommit.push((changes) => this.#committed(changes))
  }

  /** The journal of a device has moved on. */
  entered(device: Device, moment: Trigger): void {
    const state = `step ${device.journal.phase}`
    if (!this.#shall(state, this.#perStep)) return
    const target: Target = {
      state,
      still: () => `step ${device.journal.phase}` === state,
      victimOf: (on) => (on === 'locksmith' || on === 'broker' ? on : device.name)
    }
    // At once is between the entry in the journal and what it speaks of.
    if (this.#o.dice.chance(0.5)) this.#strike(this.#pick(state), target, moment)
    else this.#soon(target)
  }

  #committed(changes: readonly { readonly kind: string; readonly value: unknown }[]): void {
    for (const { kind, value } of changes) {
      if (kind !== 'lock' || value === undefined) continue
      const lock = value as StoredLock
      const state = stateOfLock(lock, this.#scene.locksmith.wanted.has(lock.name))
      if (this.#states.get(lock.name) === state) continue
      this.#states.set(lock.name, state)
      if (this.#shall(state, this.#perState)) this.#strikeLock(lock, state)
    }
  }

  #strikeLock({ name, owner }: StoredLock, state: string): void {
    const { devices, world, locksmith } = this.#scene
    const { dice } = this.#o
    const is = (other: LockState): boolean => other.lock === name && other.state === state
    const oneBelow = (): string | undefined => {
      const below = devices.filter((device) => device.isUnder(name))
      return below.length === 0 ? undefined : dice.pick(below).name
    }
    this.#soon({
      state,
      still: () => lockStates(locksmith).some(is),
      victimOf: (on) => {
        if (on === 'locksmith' || on === 'broker') return on
        const isThere = world.hosts.some((host) => host.name === owner?.name)
        return on === 'process' && isThere ? owner?.name : oneBelow()
      }
    })
  }

  /** Only if the state has lasted; and if that is a rare one and still lasts, again. */
  #soon(target: Target): void {
    const { dice } = this.#o
    this.#scene.world.timeline.after(dice.stretched(0.1, 500), () => {
      if (this.#scene.world.calm || !target.still()) return
      this.#strike(this.#pick(target.state), target, { hook: 'time', of: '', nth: 0 })
      if (RARE.has(target.state) && dice.chance(0.8)) this.#soon(target)
    })
  }

  #strike(kind: AnyKind | undefined, { victimOf }: Target, trigger: Trigger): void {
    const victim = kind && victimOf('at' in kind ? WHOSE[kind.at] : kind.on)
    if (kind === undefined || victim === undefined) return
    if ('at' in kind) this.#o.arm(kind, victim)
    else this.#o.strike(kind, victim, trigger)
  }

  #shall(state: string, chance: number): boolean {
    const visits = (this.#visits.get(state) ?? 0) + 1
    this.#visits.set(state, visits)
    if (this.#scene.world.calm || chance === 0) return false
    const rare = RARE.has(state) ? 0.8 : 0
    const doubtful = this.#doubtful && DOUBTFUL.has(state) ? 0.6 : 0
    return this.#o.dice.chance(Math.max(rare, doubtful, Math.min(0.5, visits <= FIRST ? 4 * chance : chance)))
  }

  #pick(state: string): AnyKind | undefined {
    const met = this.#o.pairs[state] ?? {}
    const kinds: readonly AnyKind[] =
      this.#doubtful && DOUBTFUL.has(state)
        ? FAULTS.filter(({ name }) => LEADS_TO_DOUBT.includes(name))
        : this.#kinds
    const weights = kinds.map(({ name }) => 1 / (1 + (met[name] ?? 0)) ** 2)
    let left = this.#o.dice.next() * weights.reduce((sum, weight) => sum + weight, 0)
    return kinds.find((_, at) => {
      left -= weights[at] ?? 0
      return left < 0
    })
  }
}
