import type { Scripted } from './faults/script.ts'
import { type RunResult, runSeed } from './run.ts'
import type { StageOptions } from './scene.ts'
import type { Violation } from './world.ts'

/** What a search for the faults that matter may cost: deterministic, so that it ends alike everywhere. */
const MOST_RUNS = 250
const MOST_EVENTS = 4_000_000

export interface ShrinkOptions {
  readonly minutes: number
  readonly stage: StageOptions
}

/**
 * Finds fewer faults that break the same promise (delta debugging): its story is the one to read. Returns the violation as it was
 * found when the faults alone do not break it again.
 */
export async function shrink(found: RunResult, options: ShrinkOptions): Promise<Violation | undefined> {
  const { violation, dealt, seed } = found
  if (violation === undefined || dealt.length === 0) return violation
  const search = new Search(seed, violation.invariant, options)
  const first = await search.breaks(dealt)
  if (first === undefined) return violation
  await search.minimize(dealt)
  const { best = first, script } = search
  return {
    ...violation,
    history: best.history,
    shrunk: {
      what: best.what,
      from: dealt.length,
      faults: script.map(({ number, fault, victim, atMs }) => ({
        number,
        fault,
        victim,
        atMs: Math.round(atMs)
      })),
      command: `${violation.command} --only ${script.map(({ number }) => number).join(',') || 'none'}`
    }
  }
}

class Search {
  readonly #seed: number
  readonly #invariant: number
  readonly #options: ShrinkOptions
  #runs = 0
  #events = 0
  best: Violation | undefined
  script: readonly Scripted[] = []

  constructor(seed: number, invariant: number, options: ShrinkOptions) {
    this.#seed = seed
    this.#invariant = invariant
    this.#options = options
  }

  get #spent(): boolean {
    return this.#runs >= MOST_RUNS || this.#events >= MOST_EVENTS
  }

  /** Runs the seed with these faults alone. */
  async breaks(script: readonly Scripted[]): Promise<Violation | undefined> {
    const { minutes, stage } = this.#options
    const { violation, events } = await runSeed(this.#seed, minutes, { ...stage, script })
    this.#runs += 1
    this.#events += events
    if (violation?.invariant !== this.#invariant) return undefined
    this.best = violation
    this.script = script
    return violation
  }

  /** Leaves out whole kinds, then halves, quarters, eighths, as long as the promise is still broken. */
  async minimize(all: readonly Scripted[]): Promise<void> {
    let script = all
    for (const kind of new Set(all.map(({ fault }) => fault))) {
      const rest = script.filter(({ fault }) => fault !== kind)
      if (!this.#spent && (await this.breaks(rest)) !== undefined) script = rest
    }
    await this.#halve(script)
  }

  async #halve(from: readonly Scripted[]): Promise<void> {
    let parts = 2
    let script = from
    while (script.length > 0 && !this.#spent) {
      const size = Math.ceil(script.length / parts)
      const left = await this.#withoutOnePart(script, size)
      if (left !== undefined) {
        script = left
        parts = Math.max(2, parts - 1)
      } else if (size <= 1) return
      else parts = Math.min(script.length, parts * 2)
    }
  }

  async #withoutOnePart(script: readonly Scripted[], size: number): Promise<readonly Scripted[] | undefined> {
    // The latest faults are the likeliest to matter: the earliest are tried first.
    for (let at = 0; at < script.length && !this.#spent; at += size) {
      const rest = [...script.slice(0, at), ...script.slice(at + size)]
      if ((await this.breaks(rest)) !== undefined) return rest
    }
    return undefined
  }
}
