import type { Lock, LockFence, Operation, Owner, Push } from './fleet.ts'
import type { Refusal } from './refusals.ts'
import type { Pool } from './slots.ts'

/** What the rules want done, as data: the shell carries it out once what it rests on is durable. */

export interface FreedBy {
  readonly what: string
  readonly inMs: number | null
}

/** A lock as the asker meets it: who holds it, since when, what frees it and when. */
export interface Blocker extends LockFence {
  readonly state: 'held' | 'orphaned' | 'queued'
  readonly owner: Owner | null
  readonly heldMs: number
  readonly lastHeardMs: number | null
  readonly leaseLeftMs: number
  readonly freedBy: FreedBy
  /** It conflicts with nothing, and takes up one of the slots that the asker needs. */
  readonly slot?: Pool
}

export interface AuditEntry {
  readonly what: string
  readonly by: string
  readonly detail: Readonly<Record<string, unknown>>
}

/** An operator asks the owner to finish by itself: its lock is cleared in so long a time. */
export interface AskedBack {
  readonly operation: string
  readonly by: string
  readonly reason: string
  readonly inMs: number
}

/** What a reply says; the shell adds its revision, the highest fence and the quiet time left, and the principal's topic. */
export type Reply =
  | {
      readonly op: 'hello'
      readonly id: string
      readonly session: number
      readonly ttlMs: number
      readonly news: readonly string[]
    }
  | {
      readonly op: 'heartbeat'
      readonly session: number
      readonly seq: number
      /** 0 when the heartbeat did not renew: such a reply is heard, but is no contact. */
      readonly leaseMs: number
      readonly holding: readonly (LockFence & { readonly request: string; readonly asked?: AskedBack })[]
      readonly queued: readonly {
        readonly request: string
        readonly place: number
        readonly blockers: readonly Blocker[]
      }[]
      /** Every grant that covers the device, as it is now: what is not listed has ended, as of the reply's revision. */
      readonly covering: readonly Lock[]
      /** The smallest fence still good for each resource of the device. */
      readonly floors: Readonly<Record<string, number>>
    }
  | {
      readonly op: 'granted'
      readonly session: number
      readonly seq: number
      readonly request: string
      readonly locks: readonly LockFence[]
    }
  | {
      readonly op: 'queued'
      readonly session: number
      readonly seq: number
      readonly request: string
      readonly place: number
      readonly blockers: readonly Blocker[]
    }
  | { readonly op: 'released'; readonly session: number; readonly seq: number; readonly request: string }
  | {
      readonly op: 'ended'
      readonly session: number
      readonly seq: 0
      readonly request: string
      readonly locks: readonly LockFence[]
      readonly how: string
    }
  | {
      readonly op: 'asked'
      readonly session: number
      readonly seq: 0
      readonly request: string
      readonly lock: string
      readonly fence: number
      readonly asked: AskedBack
    }
  | {
      readonly op: 'refused'
      readonly session: number
      readonly seq: number
      readonly request: string
      readonly refusal: Refusal
    }
  | {
      readonly op: 'unlocked'
      readonly id: string
      readonly outcome: Operation
      readonly freeInMs: number | null
    }
  | {
      readonly op: 'push'
      readonly id: string
      readonly session: number
      readonly seq: number
      readonly push: Push
    }
  | {
      readonly op: 'withdrawn'
      readonly id: string
      readonly outcome: 'withdrawn' | 'already-ended'
      readonly push: Push
    }
  | { readonly op: 'noted'; readonly session: number; readonly seq: number }
  | { readonly op: 'failed'; readonly id: string; readonly refusal: Refusal }

/** The place of a reply in the order of things, and the highest fence that had been granted there. */
export interface Revision {
  readonly term: number
  readonly rev: number
  readonly fenceHigh: number
}

export interface Hot {
  readonly lock: string
  readonly wantedBy: string
  readonly blocker: Blocker
}

export type Effect =
  /** It speaks for the state as of `at`, also when later requests of the same batch changed it before it is sent. */
  | { readonly do: 'reply'; readonly to: string; readonly reply: Reply; readonly at: Revision }
  /** Publish the retained record of this lock as it is when the effect is carried out. */
  | { readonly do: 'record'; readonly lock: string }
  | { readonly do: 'update'; readonly device: string; readonly resource: string; readonly push: Push | null }
  | { readonly do: 'hot'; readonly hot: Hot }
  | { readonly do: 'audit'; readonly entry: AuditEntry }
  | {
      readonly do: 'log'
      readonly level: 'info' | 'warn' | 'error'
      readonly event: string
      readonly fields: Readonly<Record<string, unknown>>
    }
