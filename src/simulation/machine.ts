import type { Timeline } from './timeline.ts'

/** Wall time is for people only; a world begins at this moment. */
const WORLD_BEGINS = Date.UTC(2026, 10, 24, 3, 12)

/**
 * A computer of the simulated world: its clock counts from its boot, so moments of two machines cannot be compared, and may run
 * a little too fast or too slow.
 */
export class Machine {
  readonly name: string
  readonly #timeline: Timeline
  #boots = 1
  /** What its clock showed at a moment of the world, and how fast it has run since. */
  #clock: { readonly shown: number; readonly at: number; readonly rate: number }
  #wallOffMs = 0

  /** `upMs`: how long it had been running when the world began. */
  constructor(name: string, timeline: Timeline, upMs: number) {
    this.name = name
    this.#timeline = timeline
    this.#clock = { shown: upMs, at: timeline.now, rate: 1 }
  }

  get boot(): string {
    return `${this.name}-boot-${this.#boots}`
  }

  now(): number {
    const { shown, at, rate } = this.#clock
    return shown + (this.#timeline.now - at) * rate
  }

  wall(): Date {
    return new Date(WORLD_BEGINS + this.#timeline.now + this.#wallOffMs)
  }

  /** How much of the world's time it takes until its own clock has gone on by `ms`. */
  worldMs(ms: number): number {
    return ms / this.#clock.rate
  }

  /** Parts per million by which its clock is too fast from now on. */
  drift(ppm: number): void {
    this.#clock = { shown: this.now(), at: this.#timeline.now, rate: 1 + ppm / 1e6 }
  }

  /** The wall clock is wrong by so much from now on. */
  setWall(offMs: number): void {
    this.#wallOffMs = offMs
  }

  /** What ran on it is to be killed by the caller. */
  reboot(): void {
    this.#boots += 1
    this.#clock = { ...this.#clock, shown: 3000, at: this.#timeline.now }
  }
}
