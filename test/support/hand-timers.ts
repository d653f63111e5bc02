import type { Timers } from '../../firmware-bridge/link/line.ts'

interface Due {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

/** Time that moves only when a test says so. Timers of the same moment run in the order in which they were set. */
export class HandTimers implements Timers {
  #nowMs = 0
  #order = 0
  readonly #due = new Set<Due>()

  now(): number {
    return this.#nowMs
  }

  after(ms: number, run: () => void): { cancel(): void } {
    const due = { atMs: this.#nowMs + Math.max(0, ms), order: this.#order++, run }
    this.#due.add(due)
    return { cancel: () => this.#due.delete(due) }
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#due.size
  }

  /** Runs everything due within the next `ms`, letting promises settle after each. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    await settle()
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      this.#due.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.run()
      await settle()
    }
    this.#nowMs = untilMs
  }

  #next(untilMs: number): Due | undefined {
    const due = [...this.#due].filter((it) => it.atMs <= untilMs)
    return due.sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0]
  }
}

/** Lets every promise that can settle now do so. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
