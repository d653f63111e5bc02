import type { Timeline } from './timeline.ts'

/** A computer of the simulated world: its clock counts from its boot, so moments of two machines cannot be compared. */
export class Machine {
  readonly name: string
  readonly #timeline: Timeline
  #boots = 1
  #bootedAt: number

  /** `upMs`: how long it had been running when the world began. */
  constructor(name: string, timeline: Timeline, upMs: number) {
    this.name = name
    this.#timeline = timeline
    this.#bootedAt = -upMs
  }

  get boot(): string {
    return `${this.name}-boot-${this.#boots}`
  }

  now(): number {
    return this.#timeline.now - this.#bootedAt
  }

  /** What ran on it is to be killed by the caller. */
  reboot(): void {
    this.#boots += 1
    this.#bootedAt = this.#timeline.now - 3000
  }
}
