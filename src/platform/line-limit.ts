export interface LinePlan {
  /** Lines of one kind that are said at once. */
  readonly first: number
  /** After them, one line in this time. Milliseconds. */
  readonly everyMs: number
  /** Kinds that are told apart; beyond them lines count as the kind that they name for that. */
  readonly kinds: number
}

interface Bucket {
  readonly tokens: number
  readonly at: number
  readonly leftOut: number
}

/**
 * A token bucket for each kind of line. Time is handed in. What was left out is never forgotten: it is told as a number, no
 * oftener than a line might be.
 */
export class LineLimit {
  readonly #plan: LinePlan
  readonly #buckets = new Map<string, Bucket>()

  constructor(plan: LinePlan) {
    this.#plan = plan
  }

  /** The kind under which this line counts, which is `others` when there are too many, and whether it is said. One that is not is counted. */
  admit(wanted: string, now: number, others = ''): { readonly kind: string; readonly said: boolean } {
    const kind = this.#buckets.has(wanted) || this.#room(now) ? wanted : others
    const bucket = this.#filled(kind, now)
    const said = bucket.tokens >= 1 && bucket.leftOut === 0
    const after = said ? { ...bucket, tokens: bucket.tokens - 1 } : { ...bucket, leftOut: bucket.leftOut + 1 }
    this.#buckets.set(kind, after)
    return { kind, said }
  }

  /** How many lines of each kind were left out, where it may be told now; with `all`, wherever any were. They count as told. */
  take(now: number, all = false): readonly { readonly kind: string; readonly leftOut: number }[] {
    const due = [...this.#buckets.keys()]
      .map((kind) => ({ kind, ...this.#filled(kind, now) }))
      .filter(({ leftOut, tokens }) => leftOut > 0 && (all || tokens >= 1))
    for (const { kind, tokens } of due)
      this.#buckets.set(kind, { tokens: Math.max(0, tokens - 1), at: now, leftOut: 0 })
    return due.map(({ kind, leftOut }) => ({ kind, leftOut }))
  }

  /** When there will be something to take; undefined when nothing was left out. */
  nextAt(): number | undefined {
    const { everyMs } = this.#plan
    const waiting = [...this.#buckets.values()].filter(({ leftOut }) => leftOut > 0)
    if (waiting.length === 0) return undefined
    return Math.min(...waiting.map(({ at, tokens }) => at + Math.ceil((1 - Math.min(1, tokens)) * everyMs)))
  }

  #filled(kind: string, now: number): Bucket {
    const { first, everyMs } = this.#plan
    const { tokens, at, leftOut } = this.#buckets.get(kind) ?? { tokens: first, at: now, leftOut: 0 }
    return { tokens: Math.min(first, tokens + Math.max(0, now - at) / everyMs), at: now, leftOut }
  }

  /** Kinds that have been quiet long enough make room for others. */
  #room(now: number): boolean {
    if (this.#buckets.size < this.#plan.kinds) return true
    for (const kind of [...this.#buckets.keys()]) {
      const { tokens, leftOut } = this.#filled(kind, now)
      if (tokens >= this.#plan.first && leftOut === 0) this.#buckets.delete(kind)
    }
    return this.#buckets.size < this.#plan.kinds
  }
}
