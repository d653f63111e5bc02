import type { Clock, Timer } from '../../src/platform/clock.ts'

/** The clock of a process that can be stopped: its timers that come due meanwhile run when it wakes. */
export class StallingClock implements Clock {
  readonly #base: Clock
  #stalled = false
  #missed: (() => void)[] = []

  constructor(base: Clock) {
    this.#base = base
  }

  now(): number {
    return this.#base.now()
  }

  wall(): Date {
    return this.#base.wall()
  }

  after(ms: number, run: () => void): Timer {
    let cancelled = false
    const guarded = (): void => {
      if (!cancelled) run()
    }
    const timer = this.#base.after(ms, () => {
      if (this.#stalled) this.#missed.push(guarded)
      else guarded()
    })
    return {
      cancel: () => {
        cancelled = true
        timer.cancel()
      }
    }
  }

  stall(): void {
    this.#stalled = true
  }

  wake(): void {
    this.#stalled = false
    const missed = this.#missed
    this.#missed = []
    for (const run of missed) run()
  }
}
