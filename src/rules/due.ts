/**
 * What there may be to do, so that an ordinary message costs nothing that grows with the fleet. Moments are lower bounds:
 * looking too early is harmless, and whoever makes something due sooner says so.
 */
export class Due {
  /** Before this moment no lease, hold or waiter runs out by time. */
  at = Number.NEGATIVE_INFINITY
  /** By push: before this moment none of its devices becomes unreachable. */
  readonly pushes = new Map<string, number>()
  /** Names of locks that were freed, or that somebody ceased to wait for. */
  #freed = new Set<string>()
  /** Requests that may have become grantable by themselves. */
  #requests = new Set<string>()
  #everybody = true

  /** Anything may have changed: time, policies, what was dropped. */
  reconsider(): void {
    this.at = Number.NEGATIVE_INFINITY
    this.pushes.clear()
    this.#everybody = true
  }

  by(at: number): void {
    this.at = Math.min(this.at, at)
  }

  freed(lock: string): void {
    this.#freed.add(lock)
  }

  mayBeServed(request: string): void {
    this.#requests.add(request)
  }

  /** Whom to look at now, and forgets it: everybody, or these requests and those that wait for what conflicts with these locks. */
  take(): { everybody: boolean; freed: readonly string[]; requests: readonly string[] } {
    const taken = { everybody: this.#everybody, freed: [...this.#freed], requests: [...this.#requests] }
    this.#everybody = false
    if (taken.freed.length > 0) this.#freed = new Set()
    if (taken.requests.length > 0) this.#requests = new Set()
    return taken
  }
}
