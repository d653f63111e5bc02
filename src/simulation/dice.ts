/** Chance of one run. Everything that happens in a simulation is drawn from the dice of its seed. */
export class Dice {
  readonly #seed: number
  #state: number
  readonly #forks = new Map<string, number>()

  constructor(seed: number) {
    this.#seed = (Math.floor(seed / 2 ** 32) * 0x9e3779b1 + seed) | 0
    this.#state = this.#seed
  }

  /** From 0 to below 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    const state = this.#state
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** Dice of their own for one part of the world: a draw there shifts none elsewhere, nor does another fork. Each of one name differs. */
  fork(part: string): Dice {
    const count = (this.#forks.get(part) ?? 0) + 1
    this.#forks.set(part, count)
    let seed = Math.imul(this.#seed ^ 0x5bd1e995, 0x85ebca6b) ^ count
    for (const letter of part) seed = Math.imul(seed ^ letter.charCodeAt(0), 0x01000193)
    return new Dice(new Dice(seed).next() * 2 ** 32)
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  between(least: number, most: number): number {
    return least + (most - least) * this.next()
  }

  whole(least: number, most: number): number {
    return Math.floor(this.between(least, most + 1))
  }

  pick<T>(from: readonly T[]): T {
    return from[this.whole(0, from.length - 1)] as T
  }

  /** Time until the next of events that come `perMinute` times a minute. Infinite when they never come. */
  untilNextMs(perMinute: number): number {
    return perMinute <= 0 ? Number.POSITIVE_INFINITY : (-Math.log(1 - this.next()) / perMinute) * 60_000
  }

  /** Mostly short, now and then far longer: the middle of the range on a logarithmic scale. */
  stretched(leastMs: number, mostMs: number): number {
    return leastMs * (mostMs / leastMs) ** this.next()
  }
}
