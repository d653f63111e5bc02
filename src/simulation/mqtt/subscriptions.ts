import type { Seat } from './broker.ts'
import { matches } from './filter.ts'

/** Who wants which messages, found without asking everybody: most filters name one topic, or all below one level. */
export class Subscriptions {
  readonly #exact = new Map<string, Set<Seat>>()
  /** Filters that end in `/+`, by what stands before the `+`. */
  readonly #below = new Map<string, Set<Seat>>()
  readonly #others = new Map<string, Set<Seat>>()

  add(filter: string, seat: Seat): void {
    const [index, key] = this.#placeOf(filter)
    const seats = index.get(key) ?? new Set()
    seats.add(seat)
    index.set(key, seats)
  }

  remove(seat: Seat): void {
    for (const filter of seat.filters) {
      const [index, key] = this.#placeOf(filter)
      const seats = index.get(key)
      seats?.delete(seat)
      if (seats?.size === 0) index.delete(key)
    }
  }

  /** Each once, whatever number of its filters match. */
  of(topic: string): readonly Seat[] {
    const found = new Set(this.#exact.get(topic))
    for (const seat of this.#below.get(topic.slice(0, topic.lastIndexOf('/') + 1)) ?? []) found.add(seat)
    for (const [filter, seats] of this.#others)
      if (matches(filter, topic)) for (const seat of seats) found.add(seat)
    return [...found]
  }

  #placeOf(filter: string): [Map<string, Set<Seat>>, string] {
    const at = filter.indexOf('+')
    if (at < 0) return [this.#exact, filter]
    return at === filter.length - 1 ? [this.#below, filter.slice(0, at)] : [this.#others, filter]
  }
}
