import type { Clock } from '../platform/clock.ts'
import type { Log } from '../platform/logger.ts'
import type { Effect } from '../rules/effects.ts'
import type { DurableKind, Fleet } from '../rules/fleet.ts'
import { chain } from './audit.ts'
import { type AuditLink, type Store, type StoredChange, StoreError } from './store.ts'
import { storeHealth } from './store-health.ts'

export interface LedgerOptions {
  readonly fleet: Fleet
  readonly store: Store
  /** Boot id of this machine. */
  readonly boot: string
  readonly clock: Clock
  readonly log: Log
  /** Carries out what is durable now. */
  readonly act: (effects: readonly Effect[], audit: readonly AuditLink[]) => void
}

/** The one order of things: persist what the rules changed, keep it, and only then act. What cannot be persisted has not happened. */
export class Ledger {
  readonly #o: LedgerOptions
  readonly #noteHealth: (refusal: string | undefined) => void
  #lastAudit: AuditLink | undefined

  constructor(options: LedgerOptions) {
    this.#o = options
    this.#noteHealth = storeHealth(options.log)
  }

  /** The number of the newest link of the audit. */
  get newestAudit(): number {
    return this.#lastAudit?.seq ?? 0
  }

  /** Reads what is durable into the fleet. @throws StoreError */
  load(): void {
    const { fleet, store } = this.#o
    const { durable } = fleet
    for (const { kind, key, value } of store.load()) durable[kind]?.put(key, value)
    this.#lastAudit = store.lastAudit()
    fleet.keep()
  }

  /** False, and nothing has happened, when the store refuses. */
  commit(): boolean {
    const { fleet, act } = this.#o
    const effects = fleet.takeEffects()
    let audit: readonly AuditLink[]
    try {
      audit = this.#persist(effects)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      fleet.drop()
      this.#noteHealth(error.message)
      return false
    }
    fleet.keep()
    act(effects, audit)
    return true
  }

  #persist(effects: readonly Effect[]): readonly AuditLink[] {
    const changes: StoredChange[] = []
    for (const [kind, table] of Object.entries(this.#o.fleet.durable)) {
      for (const [key, value] of table.changes()) changes.push({ kind: kind as DurableKind, key, value })
    }
    const entries = effects.flatMap((effect) => (effect.do === 'audit' ? [effect.entry] : []))
    if (changes.length === 0 && entries.length === 0) return []
    const links = chain(this.#lastAudit, entries, this.#o.clock.wall())
    this.#o.store.commit(changes, links, this.#o.boot)
    this.#noteHealth(undefined)
    this.#lastAudit = links.at(-1) ?? this.#lastAudit
    return links
  }
}
