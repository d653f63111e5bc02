import type { Clock } from '../platform/clock.ts'
import type { Dice } from './dice.ts'
import type { Machine } from './machine.ts'
import type { Timeline } from './timeline.ts'

/** What a fault may do to a process in the very moment in which something leaves it. */
export type Interruption = 'none' | 'stop' | 'kill'

export interface LifeOptions {
  readonly host: string
  readonly number: number
  readonly machine: Machine
  readonly timeline: Timeline
  readonly dice: Dice
  /** Asked before each effect (a message, bytes on a line); undefined when nothing interrupts. */
  readonly interrupt?: (life: Life) => Interruption
}

const SHORTEST_MS = 0.01

/**
 * One life of a process. What reaches it (timers, messages) is held back while it is stopped, and lost when it is dead; so is
 * what leaves it. Whatever its code still does after its death has no effect.
 */
export class Life {
  /** Of this life. */
  readonly name: string
  readonly host: string
  readonly machine: Machine
  readonly clock: Clock
  readonly #options: LifeOptions
  readonly #onEnd = new Set<() => void>()
  #state: 'running' | 'stopped' | 'dead' = 'running'
  #stoppedAt = 0
  #stops = 0
  #heldTimers: (() => void)[] = []
  #heldMessages: (() => void)[] = []
  #heldEffects: (() => void)[] = []

  constructor(options: LifeOptions) {
    this.#options = options
    this.name = `${options.host}#${options.number}`
    this.host = options.host
    this.machine = options.machine
    const { machine } = options
    this.clock = {
      now: () => machine.now(),
      wall: () => machine.wall(),
      after: (ms, run) => this.#setTimer(ms, run)
    }
  }

  get dead(): boolean {
    return this.#state === 'dead'
  }

  get stopped(): boolean {
    return this.#state === 'stopped'
  }

  get running(): boolean {
    return this.#state === 'running'
  }

  /** Since when it is stopped, in the time of the world. */
  get stoppedAt(): number | undefined {
    return this.stopped ? this.#stoppedAt : undefined
  }

  /** How often it was stopped. */
  get stops(): number {
    return this.#stops
  }

  random(): number {
    return this.#options.dice.next()
  }

  #setTimer(ms: number, run: () => void) {
    const { machine, timeline } = this.#options
    const due = machine.now() + Math.max(0, ms)
    let live = true
    const fire = (): void => {
      if (!live || this.dead) return
      if (this.stopped) return void this.#heldTimers.push(fire)
      // Its clock may have become slower since.
      const leftMs = due - machine.now()
      if (leftMs > 1e-3) {
        planned = timeline.after(machine.worldMs(leftMs), fire)
        return
      }
      live = false
      run()
    }
    // No clock tells moments apart that are nearer: time must pass, however little was asked for.
    let planned = timeline.after(machine.worldMs(ms > 0 ? Math.max(SHORTEST_MS, ms) : 0), fire)
    return {
      cancel: () => {
        live = false
        planned.cancel()
      }
    }
  }

  /** Something from outside reaches the process. */
  deliver(run: () => void): void {
    if (this.dead) return
    if (this.stopped) this.#heldMessages.push(run)
    else run()
  }

  /** Something leaves the process. A stop between a check and what it allowed falls here. */
  effect(run: () => void): void {
    if (this.running) this.#interrupt()
    if (this.dead) return
    if (this.stopped) this.#heldEffects.push(run)
    else run()
  }

  #interrupt(): void {
    const interruption = this.#options.interrupt?.(this) ?? 'none'
    if (interruption === 'stop') this.stop()
    else if (interruption === 'kill') this.kill()
  }

  onEnd(run: () => void): void {
    this.#onEnd.add(run)
  }

  /** SIGSTOP: time goes on. */
  stop(): void {
    if (!this.running) return
    this.#state = 'stopped'
    this.#stoppedAt = this.#options.timeline.now
    this.#stops += 1
  }

  /** SIGCONT: what was about to leave leaves first, then timers and messages come in, each kind in its order. */
  wake(): void {
    if (!this.stopped) return
    this.#state = 'running'
    const effects = this.#heldEffects
    this.#heldEffects = []
    for (const effect of effects) effect()
    const [timers, messages] = [this.#heldTimers, this.#heldMessages]
    this.#heldTimers = []
    this.#heldMessages = []
    const { timeline, dice } = this.#options
    while (timers.length + messages.length > 0) {
      const timerFirst = messages.length === 0 || (timers.length > 0 && dice.chance(0.5))
      const next = (timerFirst ? timers.shift() : messages.shift()) as () => void
      if (timerFirst) timeline.after(0, next)
      else timeline.after(0, () => this.deliver(next))
    }
  }

  /** It does nothing for a while, as during a long write; then it goes on. */
  stall(ms: number): void {
    if (!this.running) return
    this.stop()
    const { stops } = this
    this.#options.timeline.after(ms, () => {
      if (this.stops === stops) this.wake()
    })
  }

  /** kill -9. */
  kill(): void {
    if (this.dead) return
    this.#state = 'dead'
    this.#heldTimers = []
    this.#heldMessages = []
    this.#heldEffects = []
    for (const run of [...this.#onEnd]) run()
  }
}
