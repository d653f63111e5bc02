import type { Timeline } from '../timeline.ts'

/** What made a fault strike: time alone, or what a process was doing in that moment. */
export interface Trigger {
  readonly hook: 'time' | 'journal' | 'effect' | 'write' | 'commit'
  /** Whose moment it was. */
  readonly of: string
  /** Which of its moments of that kind, counted over the run. */
  readonly nth: number
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

/** Counts moments. */
export class Moments {
  readonly #counts = new Map<string, number>()

  next(hook: Trigger['hook'], of: string): Trigger {
    const key = `${hook} ${of}`
    const nth = (this.#counts.get(key) ?? 0) + 1
    this.#counts.set(key, nth)
    return { hook, of, nth }
  }
}

/** Faults that are to be injected again: each at its time, or at the same moment of the same process, or the first one after it. */
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
  take({ hook, of, nth }: Trigger, now: number): Scripted | undefined {
    const isDue = ({ atMs, nth: at }: Scripted): boolean => atMs < now || (atMs === now && at <= nth)
    const at = this.#waiting.findIndex((one) => one.hook === hook && one.of === of && isDue(one))
    return at < 0 ? undefined : this.#waiting.splice(at, 1)[0]
  }

  reached(trigger: Trigger, now: number): void {
    for (let one = this.take(trigger, now); one !== undefined; one = this.take(trigger, now))
      this.#strike(one)
  }
}
