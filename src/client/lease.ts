import type { Clock, Timer } from '../platform/clock.ts'

export interface LeaseEvents {
  /** The first renewal, or the first after a loss. */
  readonly began: () => void
  /** With what happened, for people. */
  readonly ended: (why: string) => void
}

/** A session's right to act, on this owner's own clock: it ends by itself unless it is renewed in time. */
export class Lease {
  readonly #clock: Clock
  readonly #events: LeaseEvents
  #until = Number.NEGATIVE_INFINITY
  #live = false
  #expiry: Timer | undefined

  constructor(clock: Clock, events: LeaseEvents) {
    this.#clock = clock
    this.#events = events
  }

  /** Whether it has been renewed and its end has not been noticed; for what is about to act, `leftMs` decides. */
  get live(): boolean {
    return this.#live
  }

  /** Judged at each call, so that a process that was stopped finds out before it acts. */
  leftMs(): number {
    const left = this.#until - this.#clock.now()
    if (left > 0) return left
    this.#lose('the lease ran out')
    return 0
  }

  renew(until: number): void {
    this.leftMs()
    this.#until = Math.max(this.#until, until)
    this.#expiry?.cancel()
    this.#expiry = this.#clock.after(this.#until - this.#clock.now(), () => this.leftMs())
    if (this.#live) return
    this.#live = true
    this.#events.began()
  }

  /** Now, whatever was left of it. */
  end(why: string): void {
    this.#until = Number.NEGATIVE_INFINITY
    this.#lose(why)
  }

  /** Nothing more happens by time. */
  stop(): void {
    this.#expiry?.cancel()
  }

  #lose(why: string): void {
    if (!this.#live) return
    this.#live = false
    this.#expiry?.cancel()
    this.#events.ended(why)
  }
}
