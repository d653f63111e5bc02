import type { Device } from '../device/device.ts'
import { Dice } from '../dice.ts'
import type { Interruption, Life } from '../life.ts'
import { Aim } from './aim.ts'
import { type FaultKind, hostOf, type MomentKind, type Scene } from './kind.ts'
import { countPair, type PairCounts } from './pairs.ts'
import { Moments, Script, type Scripted, type Trigger } from './script.ts'
import { lockStates } from './states.ts'
import { FAULTS, MOMENTS } from './table.ts'

/** How a process that writes to a disk is cut off there. */
export type Cut = 'none' | 'before' | 'torn' | 'after'

/** Steps of a change in which a process has begun something. */
const MIDDLE: ReadonlySet<string> = new Set(['hold', 'pause', 'stage', 'commit', 'write', 'verify'])

/** What is to be struck in its next moment is struck within this time, or not at all. */
const ARMED_MS = 3000

/**
 * Deals out faults, and counts which state each has met. A run has its own climate: some kinds are frequent, some never happen,
 * and some are aimed: they wait for a state that they have seldom met in this run. Or it repeats just those of a script.
 */
export class Dealer {
  readonly pairs: PairCounts = {}
  /** What was injected, in order; a script of all of it, or of a part, can be run again. */
  readonly dealt: Scripted[] = []
  readonly #scene: Scene
  readonly #dice: Dice
  readonly #script: Script | undefined
  readonly #chances = new Map<MomentKind, number>()
  readonly #aim: Aim
  readonly #moments = new Moments()
  readonly #armed = new Map<string, { readonly kind: MomentKind; readonly until: number }>()

  constructor(scene: Scene, script?: readonly Scripted[]) {
    this.#scene = scene
    this.#dice = scene.world.dice.fork('faults')
    this.#script = script === undefined ? undefined : new Script(script)
    this.#aim = new Aim(scene, {
      dice: scene.world.dice.fork('aim'),
      pairs: this.pairs,
      strike: (kind, victim, trigger) => this.#strikeNew(kind, victim, trigger),
      arm: (kind, victim) => this.#armed.set(`${kind.at} ${victim}`, { kind, until: this.#now + ARMED_MS })
    })
    scene.world.interrupt = (life) => this.#interrupt(life)
    scene.locksmith.cut = (life) => this.#cutAt('commit', life)
    for (const device of scene.devices) this.#watch(device)
    if (this.#script === undefined) this.#begin()
    else this.#repeat(this.#script)
  }

  /** Whether a write to a device's disk is the last thing that a process does. */
  readonly cut = (life: Life): Cut => this.#cutAt('write', life)

  /** So many faults were injected. */
  get count(): number {
    return this.dealt.length
  }

  #begin(): void {
    const dice = this.#dice
    for (const kind of FAULTS) {
      const rate = dice.chance(0.4) ? dice.stretched(kind.mostPerMinute / 20, kind.mostPerMinute) : 0
      if (rate > 0 && this.#victims(kind).length > 0) this.#deal(kind, rate)
    }
    for (const kind of MOMENTS) {
      this.#chances.set(kind, dice.chance(0.4) ? dice.stretched(kind.most / 50, kind.most) : 0)
    }
    this.#aim.begin()
  }

  #watch(device: Device): void {
    device.cut = this.cut
    device.onJournal.push(() => {
      const moment = this.#moments.next('journal', device.name)
      if (this.#script !== undefined) this.#script.reached(moment, this.#now)
      else this.#aim.entered(device, moment)
    })
  }

  get #now(): number {
    return this.#scene.world.timeline.now
  }

  #deal(kind: FaultKind, perMinute: number): void {
    const { timeline } = this.#scene.world
    const next = (): void => {
      timeline.after(this.#dice.untilNextMs(perMinute), () => {
        if (this.#scene.world.calm) return
        this.#strikeNew(kind, this.#dice.pick(this.#victims(kind)), { hook: 'time', of: '', nth: 0 })
        next()
      })
    }
    next()
  }

  #victims({ on }: FaultKind): readonly string[] {
    const { world, devices } = this.#scene
    if (on === 'locksmith' || on === 'broker') return [on]
    if (on === 'device') return devices.map(({ name }) => name)
    return world.hosts.filter(({ kind }) => kind !== 'locksmith').map(({ name }) => name)
  }

  #repeat(script: Script): void {
    script.begin(this.#scene.world.timeline, (one) => {
      if (this.#scene.world.calm) return
      const kind = FAULTS.find(({ name }) => name === one.fault)
      if (kind !== undefined) this.#strike(kind, one)
    })
  }

  #strikeNew(kind: FaultKind, victim: string, trigger: Trigger): boolean {
    const number = this.dealt.length + 1
    const seed = Math.floor(this.#dice.next() * 2 ** 32)
    return this.#strike(kind, { number, fault: kind.name, victim, seed, atMs: this.#now, ...trigger })
  }

  #strike(kind: FaultKind, one: Scripted): boolean {
    const states = this.#statesOf(one.victim)
    const words = kind.strike(this.#scene, one.victim, new Dice(one.seed))
    if (words === undefined) return false
    this.#took(one, states)
    this.#scene.world.history.note(one.victim, `! ${words} (fault ${one.number}: ${one.fault})`)
    return true
  }

  #took(one: Scripted, states: readonly string[]): void {
    this.dealt.push(one)
    for (const state of new Set(states)) countPair(this.pairs, state, one.fault)
  }

  /** In which states a victim is: by the journals of devices and by Locksmith's store. */
  #statesOf(victim: string): readonly string[] {
    const { devices, locksmith } = this.#scene
    const everybody = victim === 'locksmith' || victim === 'broker'
    const struck = devices.filter(({ name }) => everybody || name === victim)
    const locks = lockStates(locksmith).filter(
      ({ lock, owner }) => everybody || owner === victim || struck.some((device) => device.isUnder(lock))
    )
    return [...struck.map(({ journal }) => `step ${journal.phase}`), ...locks.map(({ state }) => state)]
  }

  // Moments in which a process acts

  #interrupt(life: Life): Interruption {
    const kind = this.#momentKind('effect', life)
    if (kind === undefined) return 'none'
    if (kind.does !== 'stop') return 'kill'
    this.#wakeLater(life)
    return 'stop'
  }

  #cutAt(at: 'write' | 'commit', life: Life): Cut {
    return (this.#momentKind(at, life)?.does ?? 'none') as Cut
  }

  #momentKind(at: MomentKind['at'], life: Life): MomentKind | undefined {
    const { world } = this.#scene
    if (world.calm) return undefined
    const { host: victim } = life
    const moment = this.#moments.next(at, victim)
    if (this.#script !== undefined) return this.#scriptedMoment(this.#script, moment)
    const kind = this.#armedAt(at, victim) ?? this.#drawnAt(at, life)
    if (kind === undefined) return undefined
    const number = this.dealt.length + 1
    const seed = Math.floor(this.#dice.next() * 2 ** 32)
    this.#tookMoment({ number, fault: kind.name, victim, seed, atMs: this.#now, ...moment })
    return kind
  }

  #armedAt(at: MomentKind['at'], victim: string): MomentKind | undefined {
    const key = `${at} ${victim}`
    const armed = this.#armed.get(key)
    if (armed === undefined) return undefined
    this.#armed.delete(key)
    return armed.until < this.#now ? undefined : armed.kind
  }

  #drawnAt(at: MomentKind['at'], life: Life): MomentKind | undefined {
    const weight = MIDDLE.has(this.#scene.world.register.stateOf(life)) ? 30 : 1
    return MOMENTS.find((kind) => {
      const chance = this.#chances.get(kind) ?? 0
      return kind.at === at && chance > 0 && this.#dice.chance(chance * weight)
    })
  }

  #scriptedMoment(script: Script, moment: Trigger): MomentKind | undefined {
    const one = script.take(moment, this.#now)
    const kind = one && MOMENTS.find(({ name }) => name === one.fault)
    if (one !== undefined && kind !== undefined) this.#tookMoment(one)
    return kind
  }

  #tookMoment(one: Scripted): void {
    this.#took(one, this.#statesOf(one.victim))
    this.#scene.world.history.note(one.victim, `! ${one.fault} (fault ${one.number})`)
  }

  /** Stops of this kind outlast a lease, as a rule. */
  #wakeLater(life: Life): void {
    const { timeline, ttlMs, broker, history } = this.#scene.world
    const ms = new Dice(this.dealt.at(-1)?.seed ?? 0).between(0.3, 4) * ttlMs
    timeline.after(0, () => {
      for (const client of broker.clientsOf(life)) client.stopped()
    })
    timeline.after(ms, () => {
      if (!life.stopped || hostOf(this.#scene, life.host)?.life !== life) return
      history.note(life.host, 'wakes (SIGCONT)')
      life.wake()
    })
  }
}
