/** Something that will happen, unless it is called off. */
export interface Planned {
  readonly at: number
  cancel(): void
}

interface Entry {
  readonly at: number
  /** Breaks ties: what was planned first happens first. */
  readonly order: number
  run: (() => void) | undefined
}

const isBefore = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)

/**
 * Virtual time. Events happen one after another, and all promises that one has settled have run their course before the
 * next: nothing depends on the real clock.
 */
export class Timeline {
  #now = 0
  #order = 0
  #events = 0
  #over = false
  readonly #heap: Entry[] = []

  /** Milliseconds since the beginning of the world. */
  get now(): number {
    return this.#now
  }

  get events(): number {
    return this.#events
  }

  at(atMs: number, run: () => void): Planned {
    this.#order += 1
    const entry: Entry = { at: Math.max(this.#now, atMs), order: this.#order, run }
    this.#push(entry)
    return {
      at: entry.at,
      cancel: () => {
        entry.run = undefined
      }
    }
  }

  after(ms: number, run: () => void): Planned {
    return this.at(this.#now + ms, run)
  }

  /** No further event happens. */
  end(): void {
    this.#over = true
  }

  /** Lets time pass until `untilMs`; `judge` looks at the world after each event. */
  async run(untilMs: number, judge: () => void): Promise<void> {
    for (;;) {
      const next = this.#heap[0]
      if (this.#over || next === undefined || next.at > untilMs) break
      this.#pop()
      if (next.run === undefined) continue
      this.#now = next.at
      this.#events += 1
      next.run()
      await settled()
      judge()
      // Now and then the process hears what else there is, such as a signal.
      if (this.#events % BREATH === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    if (!this.#over) this.#now = untilMs
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let place = heap.length
    heap.push(entry)
    while (place > 0) {
      const above = (place - 1) >> 1
      const parent = heap[above] as Entry
      if (!isBefore(entry, parent)) break
      heap[place] = parent
      place = above
    }
    heap[place] = entry
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop() as Entry
    if (heap.length === 0) return
    let place = 0
    for (;;) {
      let below = 2 * place + 1
      if (below >= heap.length) break
      const right = heap[below + 1]
      if (right !== undefined && isBefore(right, heap[below] as Entry)) below += 1
      const child = heap[below] as Entry
      if (!isBefore(child, last)) break
      heap[place] = child
      place = below
    }
    heap[place] = last
  }
}

const BREATH = 2000

/** Resolves when every promise that can settle without time passing has settled: microtasks all run before the next tick. */
const settled = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve))
