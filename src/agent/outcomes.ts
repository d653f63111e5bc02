import type { FleetSession } from '../client/types.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import type { Log } from '../platform/logger.ts'
import { LocksmithError } from '../protocol/errors.ts'
import type { Outcome } from '../rules/change.ts'
import type { Journal } from './journal.ts'

export interface OutcomesOptions {
  readonly journal: Journal
  readonly session: FleetSession
  readonly clock: Clock
  readonly log: Log
}

const AGAIN_MS = 2000
const REMEMBERED = 64
/** Nobody answered, or the session is being begun anew: the same words are worth saying again. */
const PASSING: ReadonlySet<string> = new Set([
  'LK-6001',
  'LK-6002',
  'LK-2001',
  'LK-2002',
  'LK-2003',
  'LK-1009'
])

/** Tells Locksmith what became of every update, again and again until it is noted; those of the journal also after a restart. */
export class Outcomes {
  readonly #options: OutcomesOptions
  /** Not of the journal: of updates that could not be read, and those asked for again. */
  readonly #extra = new Map<string, Outcome>()
  readonly #told = new Map<string, Outcome>()
  #busy = false
  #timer: Timer | undefined
  #closed = false

  constructor(options: OutcomesOptions) {
    this.#options = options
  }

  /** What a push was answered, in this life of the agent. */
  known(push: string): Outcome | undefined {
    return this.#options.journal.state.owed.get(push) ?? this.#told.get(push)
  }

  /** Tells one that need not survive a restart. */
  tell(outcome: Outcome): void {
    // A copy: what is asked for while the same words are on their way is said once more.
    if (this.#extra.size < REMEMBERED) this.#extra.set(outcome.push, { ...outcome })
    this.kick()
  }

  /** Says what is owed, if there is contact. */
  kick(): void {
    if (!this.#busy && !this.#closed) void this.#tellAll()
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  async #tellAll(): Promise<void> {
    this.#busy = true
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      if (this.#closed || !(await this.#tellOne(next))) break
    }
    this.#busy = false
  }

  #next(): Outcome | undefined {
    return [...this.#options.journal.state.owed.values(), ...this.#extra.values()][0]
  }

  async #tellOne(outcome: Outcome): Promise<boolean> {
    const { session, log } = this.#options
    try {
      await session.request((number, seq) => ({ op: 'outcome', session: number, seq, ...outcome }), 'noted')
    } catch (error) {
      if (!(error instanceof LocksmithError) || PASSING.has(error.code)) {
        this.#again()
        return false
      }
      log.error({ event: 'outcome-refused', push: outcome.push, code: error.code }, error.message)
    }
    this.#noted(outcome)
    return true
  }

  #noted(outcome: Outcome): void {
    const { push } = outcome
    const { journal } = this.#options
    if (this.#extra.get(push) === outcome) this.#extra.delete(push)
    if (journal.state.owed.has(push)) journal.note({ entry: 'noted', push })
    this.#told.set(push, outcome)
    for (const old of this.#told.keys()) if (this.#told.size > REMEMBERED) this.#told.delete(old)
  }

  #again(): void {
    this.#timer?.cancel()
    if (!this.#closed) this.#timer = this.#options.clock.after(AGAIN_MS, () => this.kick())
  }
}
