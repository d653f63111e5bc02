import type { Clock } from '../platform/clock.ts'

/** `late`: not yet; with what to reject when time is up. */
export type Check = () => 'done' | { readonly failed: Error } | { readonly late: Error }

/** Those who wait for something to come true. They are looked at whenever something has changed. */
export class Waiting {
  readonly #clock: Clock
  readonly #looks = new Set<() => void>()
  #closed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  wait(check: Check, withinMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const until = this.#clock.now() + withinMs
      const settle = (act: () => void): void => {
        timer.cancel()
        this.#looks.delete(look)
        signal?.removeEventListener('abort', aborted)
        act()
      }
      const aborted = (): void => settle(() => reject(signal?.reason))
      const look = (): void => {
        const seen = check()
        if (seen === 'done') settle(resolve)
        else if ('failed' in seen) settle(() => reject(seen.failed))
        else if (this.#closed || this.#clock.now() >= until) settle(() => reject(seen.late))
      }
      const timer = this.#clock.after(withinMs, look)
      this.#looks.add(look)
      signal?.addEventListener('abort', aborted, { once: true })
      if (signal?.aborted) aborted()
      else look()
    })
  }

  look(): void {
    for (const look of [...this.#looks]) look()
  }

  close(): void {
    this.#closed = true
    this.look()
  }
}
