import type { Clock } from '../platform/clock.ts'
import { silence } from './connection.ts'
import type { FleetConnection } from './types.ts'

/** Promises that what is heard resolves. Each has its deadline. */
export class Waits<T> {
  readonly #clock: Clock
  readonly #connection: FleetConnection
  readonly #waiting = new Set<(value: T) => void>()

  constructor(clock: Clock, connection: FleetConnection) {
    this.#clock = clock
    this.#connection = connection
  }

  /** The first of what is told from now on that fits. Rejects LK-6001 or LK-6002 after `timeoutMs`. */
  next(timeoutMs: number, fits: (value: T) => boolean = () => true): Promise<T> {
    return new Promise((resolve, reject) => {
      const hear = (value: T): void => {
        if (!fits(value)) return
        deadline.cancel()
        this.#waiting.delete(hear)
        resolve(value)
      }
      this.#waiting.add(hear)
      const deadline = this.#clock.after(timeoutMs, () => {
        this.#waiting.delete(hear)
        reject(silence(this.#connection.connected, timeoutMs))
      })
    })
  }

  tell(value: T): void {
    for (const hear of [...this.#waiting]) hear(value)
  }
}
