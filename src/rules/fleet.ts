import { Due } from './due.ts'
import type { Effect, Reply } from './effects.ts'
import type { Policy } from './policy.ts'
import { locksAbove, scopesAbove } from './scope.ts'
import { Table } from './table.ts'

/**
 * The state of one fleet as Locksmith knows it, and what its rules want done. Rules are functions of (fleet, input, now):
 * they read no clock and touch nothing outside; they write into the tables' layers and append effects. The shell then does,
 * in this order: persist the changes of the durable tables; keep the layers; carry out the effects. If it cannot persist, it
 * drops layers and effects together, and nothing has happened.
 *
 * Times are milliseconds on Locksmith's clock.
 */

export type SessionKind = 'agent' | 'push' | 'tool'

export interface Owner {
  readonly name: string
  readonly session: number
  readonly boot: string
}

export interface Session extends Owner {
  readonly kind: SessionKind
  /** The path of an agent's device. */
  readonly device: string | null
  /** The id of the hello that began it: a repeated hello is answered with the same session. */
  readonly hello: string
  /** Set when a newer agent session of that name took its place. */
  readonly replacedBy: number | null
}

/** What is known of a session only while Locksmith runs. */
export interface Contact {
  readonly session: number
  /** Until when the owner may believe in its lease; before any renewal in this life of Locksmith: one ttl after its start. */
  readonly leaseUntil: number
  /** Receipt of the last renewing heartbeat; undefined before the first. */
  readonly renewedAt: number | undefined
  /** Highest number seen of the one sequence that heartbeats and requests share. */
  readonly seq: number
  /** Highest number of a heartbeat: requests below it that it did not name are abandoned. */
  readonly heartbeatSeq: number
  /** Replies sent and not yet older than ttl: hearing one of them proves a line that works both ways. */
  readonly replies: readonly { readonly seq: number; readonly at: number }[]
  /** What the agent's controllers enforce, as declared to this life of Locksmith; undefined until declared. */
  readonly enforces: boolean | undefined
  /** Locks under which the device has proved that it stands still. */
  readonly standing: readonly LockFence[]
  /** By request: what the session said last that it is doing. */
  readonly phases: ReadonlyMap<string, string>
}

export interface LockFence {
  readonly lock: string
  readonly fence: number
}

export type OrphanCause =
  | 'lease-ran-out'
  | 'replaced'
  | 'max-hold'
  | 'cleared'
  | 'unheard'
  | 'fences-raised'
  /** Given back by a pusher while updates that it had sent out were not answered. */
  | 'updates-out'

export interface Orphan {
  readonly cause: OrphanCause
  readonly at: number
  /** When the lease that the owner may still believe in has run out. */
  readonly leaseUntil: number
  /** When it comes free by itself; null when only an operator frees it. */
  readonly freeAt: number | null
}

/** First set at the first start of Locksmith that found this lock in its store and has not heard the owner since. */
export interface UnheardMark {
  readonly since: number
  /** The term of the start that set it. */
  readonly term: number
}

export interface Clearing {
  readonly operation: string
  readonly at: number
  readonly by: string
  readonly reason: string
}

export interface Lock {
  readonly name: string
  readonly scope: string
  readonly resource: string
  readonly state: 'free' | 'held' | 'orphaned'
  /** The last grant's; 0 = never granted. */
  readonly fence: number
  readonly floor: number
  readonly owner: Owner | null
  readonly kind: SessionKind | null
  readonly request: string | null
  readonly reason: string
  readonly grantedAt: number
  /** The policy's at the grant: a later change may shorten it, never lengthen it. */
  readonly maxHoldMs: number
  readonly orphan: Orphan | null
  readonly unheard: UnheardMark | null
  /** An operator's `unlock` with grace that has not come due. */
  readonly clearing: Clearing | null
  readonly term: number
  readonly rev: number
}

/** A request that was granted; kept after its end so that a repeat is never granted twice. */
export interface Grant {
  readonly request: string
  readonly session: number
  readonly name: string
  /** The number of the message that asked; a later heartbeat that leaves it out gives it up. */
  readonly seq: number
  /** Those of its locks that are still held. */
  readonly locks: readonly LockFence[]
  readonly ended: { readonly how: string; readonly at: number } | null
}

export interface Waiter {
  readonly request: string
  readonly session: number
  readonly name: string
  readonly seq: number
  readonly locks: readonly string[]
  readonly reason: string
  readonly since: number
  /** Breaks ties of `since`: order of arrival. */
  readonly arrival: number
}

export type DeviceOutcome = 'applied' | 'refused' | 'unverified' | 'unreachable'
export type AgentOutcome = Exclude<DeviceOutcome, 'unreachable'>

export interface PushDevice {
  readonly device: string
  readonly state: 'waiting' | 'sent' | DeviceOutcome
  readonly code: string | null
  readonly detail: string
  readonly version: number | null
  /** Since when patience with it runs: since it was handed the update, or was looked at; and whether it was at work then. Left out when of another run of the machine. */
  readonly watched?: { readonly since: number; readonly atWork: boolean }
}

export interface Push {
  readonly id: string
  readonly resource: string
  readonly version: number
  readonly document: string
  readonly digest: string
  readonly scope: string
  readonly by: string
  /** The pusher's session, which is told of every outcome. */
  readonly session: number
  /** The pusher's wide lock; null for a rolling push, in which each device locks itself. */
  readonly under: LockFence | null
  readonly atOnce: number
  readonly devices: readonly PushDevice[]
  readonly state: 'open' | 'done' | 'withdrawn'
  readonly why: string
  /** Left out when it is of another run of the machine. */
  readonly startedAt?: number
  readonly endedAt: number
  /** The operation of the operator who withdrew it. */
  readonly withdrawnBy?: string
}

export interface Meta {
  readonly term: number
  /** The next fence to be granted. */
  readonly fenceNext: number
  /** Durable upper bound of the fences that may be granted (not itself granted); reserved before the first of them is. */
  readonly fenceLimit: number
  /** The highest fence ever granted. */
  readonly fenceHigh: number
  readonly quietUntil: number
  /** Names the store for ever: the first life of Locksmith that wrote it. Absent before its first start. */
  readonly instance?: string
}

/** The answer to an operator's `unlock`, kept by its operation id: one terminal outcome. */
export interface Operation {
  readonly operation: string
  readonly lock: string
  readonly outcome: 'cleared' | 'already-free' | 'changed'
  readonly fence: number
  readonly freeAt: number | null
  readonly at: number
  readonly by: string
  readonly reason: string
  /** Who held it, and is told at its next hello. */
  readonly owner: string | null
  /** The session that was told: a repeat of its hello tells it again. */
  readonly toldTo: number | null
}

export interface FleetOptions {
  readonly ttlMs: number
  /** Looked up live: a change may shorten a running hold, never lengthen it. */
  readonly policy: (lock: string) => Policy
  /** The resources of the fleet, looked up live; no other can be locked. Undefined: any. */
  readonly resources?: (() => readonly string[]) | undefined
}

const META = 'meta'
const OPEN = 'open'

/** Under what a push is found by its grant. */
export const grantKey = ({ lock, fence }: LockFence): string => `${lock} ${fence}`

/** Far more than one life of Locksmith can see; with it, terms stay exact up to nine million. */
const SESSIONS_PER_TERM = 1_000_000_000

export type DurableKind = 'meta' | 'session' | 'lock' | 'grant' | 'push' | 'operation'

export class Fleet {
  readonly options: FleetOptions
  // Durable.
  readonly metas = new Table<Meta>()
  readonly sessions = new Table<Session, 'name' | 'agent'>({
    name: (session) => [session.name],
    /** Agents in service, by each scope above their device. */
    agent: ({ kind, device, replacedBy }) =>
      kind === 'agent' && device !== null && replacedBy === null ? scopesAbove(device) : []
  })
  readonly locks = new Table<Lock, 'scope'>({ scope: (lock) => [lock.scope] })
  readonly grants = new Table<Grant>()
  readonly pushes = new Table<Push, 'open' | 'under'>({
    open: ({ state }) => (state === 'open' ? [OPEN] : []),
    under: ({ under }) => (under === null ? [] : [grantKey(under)])
  })
  readonly operations = new Table<Operation, 'owner'>({
    owner: ({ owner }) => (owner === null ? [] : [owner])
  })
  // Only while Locksmith runs.
  /** The locks that are not free: an index of `locks`. */
  readonly busy = new Table<Lock, 'below' | 'scope' | 'session'>({
    below: (lock) => locksAbove(lock.name),
    scope: (lock) => [lock.scope],
    session: ({ owner }) => (owner === null ? [] : [String(owner.session)])
  })
  readonly contacts = new Table<Contact>()
  readonly waiters = new Table<Waiter, 'below' | 'lock' | 'session'>({
    below: ({ locks }) => locks.flatMap(locksAbove),
    lock: ({ locks }) => locks,
    session: ({ session }) => [String(session)]
  })
  #listeningSince = Number.POSITIVE_INFINITY
  #opensAt = Number.POSITIVE_INFINITY
  rev = 0
  /** The store took no write: nothing that needs one is begun, and what needs none goes on. */
  storeRefuses = false
  readonly due = new Due()
  #counter = 0
  #sessions = 0
  #effects: Effect[] = []

  constructor(options: FleetOptions) {
    this.options = options
  }

  /** Since when Locksmith has been listening to the broker without a break; Infinity while it is not. */
  get listeningSince(): number {
    return this.#listeningSince
  }

  set listeningSince(at: number) {
    this.#listeningSince = at
    this.due.reconsider()
  }

  /** Before this moment nothing is newly granted or reclaimed: living owners and waiters are still coming back. */
  get opensAt(): number {
    return this.#opensAt
  }

  set opensAt(at: number) {
    this.#opensAt = at
    this.due.reconsider()
  }

  get meta(): Meta {
    return this.metas.get(META) ?? { term: 0, fenceNext: 1, fenceLimit: 1, fenceHigh: 0, quietUntil: 0 }
  }

  set meta(meta: Meta) {
    const { fenceLimit, quietUntil } = this.meta
    if (meta.fenceLimit !== fenceLimit || meta.quietUntil !== quietUntil) this.due.reconsider()
    this.metas.put(META, meta)
  }

  get openPushes(): Push[] {
    return this.pushes.where('open', OPEN)
  }

  /** A number that grows; unique within this life of Locksmith. */
  count(): number {
    this.#counter += 1
    return this.#counter
  }

  /** A session's number, unique for ever: the term grows durably at every start. */
  nextSession(): number {
    this.#sessions += 1
    return this.meta.term * SESSIONS_PER_TERM + this.#sessions
  }

  nextRev(): number {
    this.rev += 1
    return this.rev
  }

  effect(effect: Effect): void {
    this.#effects.push(effect)
  }

  reply(to: string, reply: Reply): void {
    const { term, fenceHigh } = this.meta
    this.effect({ do: 'reply', to, reply, at: { term, rev: this.rev, fenceHigh } })
  }

  log(level: 'info' | 'warn' | 'error', event: string, fields: Readonly<Record<string, unknown>>): void {
    this.effect({ do: 'log', level, event, fields })
  }

  takeEffects(): Effect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  /** By the name under which each is stored. */
  get durable(): Readonly<Record<DurableKind, Table<unknown>>> {
    const {
      metas: meta,
      sessions: session,
      locks: lock,
      grants: grant,
      pushes: push,
      operations: operation
    } = this
    const tables: unknown = { meta, session, lock, grant, push, operation }
    return tables as Readonly<Record<DurableKind, Table<unknown>>>
  }

  get #all(): readonly Table<unknown>[] {
    const living = [this.busy, this.contacts, this.waiters] as unknown as Table<unknown>[]
    return [...Object.values(this.durable), ...living]
  }

  keep(): void {
    for (const table of this.#all) table.keep()
  }

  /** Forgets changes and effects since the last `keep`. Revisions and counters that were drawn are lost, which harms nothing. */
  drop(): void {
    for (const table of this.#all) table.drop()
    this.#effects = []
    this.due.reconsider()
  }
}
