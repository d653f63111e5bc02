import type { DurableKind } from '../rules/fleet.ts'

/** A change of one value; undefined removes it. */
export interface StoredChange {
  readonly kind: DurableKind
  readonly key: string
  readonly value: unknown
}

/** One link of the audit's hash chain: `hash` covers the entry and the hash before it. */
export interface AuditLink {
  readonly seq: number
  readonly entry: string
  readonly hash: string
}

export interface StoredRow {
  readonly kind: DurableKind
  readonly key: string
  readonly value: unknown
}

/**
 * Where Locksmith keeps what must survive it. `commit` is all or nothing, and durable when it returns; it throws StoreError
 * and has then changed nothing.
 */
export interface Store {
  load(): StoredRow[]
  /** Boot id of the machine that last wrote; moments of another boot cannot be compared. */
  lastBoot(): string | undefined
  lastAudit(): AuditLink | undefined
  commit(changes: readonly StoredChange[], audit: readonly AuditLink[], boot: string): void
  /** Removes audit links before this number; the chain goes on from the oldest one left. @throws StoreError */
  forgetAuditBefore(seq: number): void
  close(): void
}

export class StoreError extends Error {
  /** Nothing can be done with this store at all, now or later. */
  readonly fatal: boolean
  /** Another process has it. */
  readonly inUse: boolean

  constructor(message: string, fatal: boolean, inUse = false) {
    super(message)
    this.name = 'StoreError'
    this.fatal = fatal
    this.inUse = inUse
  }
}
