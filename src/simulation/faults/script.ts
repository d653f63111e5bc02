import type { Timeline } from '../timeline.ts'

/** What made a fault strike: time alone, or what a process was doing in that moment. */
export interface Trigger {
  readonly hook: 'time' | 'journal' | 'effect' | 'write' | 'commit'
  readonly of: string
}

/** A fault that was injected, with all that is needed to inject it again. */
export interface Scripted extends Trigger {
  /** Counts the faults of a run, from 1. */
  readonly number: number
  readonly fault: string
  readonly victim: string
  readonly seed: number
  readonly atMs: number
}

/** Faults that are to be injected again: each at its time, or at the first such moment from then on. */
export class Script {
  readonly #waiting: Scripted[]
  #strike: (one: Scripted) => void = () => {}

  constructor(faults: readonly Scripted[]) {
    this.#waiting = [...faults]
  }

  begin(timeline: Timeline, strike: (one: Scripted) => void): void {
    this.#strike = strike
    for (const one of this.#waiting) if (one.hook === 'time') timeline.at(one.atMs, () => strike(one))
  }

  /** Takes the next fault that waits for such a moment, if its time has come. */
  take({ hook, of }: Trigger, now: number): Scripted | undefined {
    const at = this.#waiting.findIndex((one) => one.hook === hook && one.of === of && one.atMs <= now)
    return at < 0 ? undefined : this.#waiting.splice(at, 1)[0]
  }

  reached(trigger: Trigger, now: number): void {
    for (let one = this.take(trigger, now); one !== undefined; one = this.take(trigger, now))
      this.#strike(one)
  }
}
