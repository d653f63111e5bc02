import type { AskedBack, Blocker, FreedBy } from './effects.ts'
import {
  type Fleet,
  grantKey,
  type Lock,
  type LockFence,
  type Orphan,
  type OrphanCause,
  type Session
} from './fleet.ts'
import { reclaimsFrom } from './opening.ts'
import { parseLock } from './scope.ts'

/**
 * The life of a lock: free → held → free, or held → orphaned → free. Whatever ends a hold moves the floor at once; only an
 * owner that says so itself, or time (its lease and the lockDelay), makes the lock free for others.
 */

export function lockOf(fleet: Fleet, name: string): Lock {
  const known = fleet.locks.get(name)
  if (known !== undefined) return known
  const path = parseLock(name)
  if (path === undefined) throw new Error(`not a lock name: ${name}`)
  return {
    name,
    scope: path.scope,
    resource: path.resource,
    state: 'free',
    fence: 0,
    floor: 0,
    owner: null,
    kind: null,
    request: null,
    reason: '',
    grantedAt: 0,
    maxHoldMs: 0,
    orphan: null,
    unheard: null,
    clearing: null,
    term: 0,
    rev: 0
  }
}

/** Writes a lock under a new revision, keeps the index of busy locks, and has its record published. */
export function putLock(fleet: Fleet, lock: Lock): Lock {
  const revised = { ...lock, term: fleet.meta.term, rev: fleet.nextRev() }
  fleet.locks.put(lock.name, revised)
  if (lock.state === 'free') {
    fleet.busy.remove(lock.name)
    fleet.due.freed(lock.name)
  } else {
    fleet.busy.put(lock.name, revised)
    fleet.due.by(dueOf(fleet, revised))
  }
  fleet.effect({ do: 'record', lock: lock.name })
  return revised
}

export interface GrantInput {
  readonly request: string
  readonly session: Session
  readonly seq: number
  readonly locks: readonly string[]
  readonly reason: string
}

/** Grants all locks of a request, one fence each. False, and nothing changed, when the reserved fences are used up. */
export function grant(fleet: Fleet, input: GrantInput, now: number): readonly LockFence[] | undefined {
  const { meta } = fleet
  const first = meta.fenceNext
  const next = first + input.locks.length
  if (next > meta.fenceLimit) return undefined
  fleet.meta = { ...meta, fenceNext: next, fenceHigh: next - 1 }
  const { name, session, boot, kind } = input.session
  const owner = { name, session, boot }
  const granted = input.locks.map((lock, index) => ({ lock, fence: first + index }))
  for (const { lock, fence } of granted) {
    putLock(fleet, {
      ...lockOf(fleet, lock),
      state: 'held',
      fence,
      floor: fence,
      owner,
      kind,
      request: input.request,
      reason: input.reason,
      grantedAt: now,
      maxHoldMs: fleet.options.policy(lock).maxHoldMs,
      orphan: null,
      unheard: null,
      clearing: null
    })
  }
  fleet.grants.put(input.request, {
    request: input.request,
    session: owner.session,
    name,
    seq: input.seq,
    locks: granted,
    ended: null
  })
  fleet.effect({
    do: 'audit',
    entry: { what: 'granted', by: name, detail: { locks: granted, owner, reason: input.reason } }
  })
  return granted
}

/** Takes the lock out of its grant; the grant has ended when none is left. */
function leaveGrant(fleet: Fleet, lock: Lock, how: string, now: number): void {
  const held = lock.request === null ? undefined : fleet.grants.get(lock.request)
  if (held === undefined || held.ended !== null) return
  const locks = held.locks.filter((one) => one.lock !== lock.name)
  fleet.grants.put(held.request, { ...held, locks, ended: locks.length === 0 ? { how, at: now } : null })
}

/** Until when the owner may believe that it holds the lock. */
export function leaseUntil(fleet: Fleet, lock: Lock): number {
  if (lock.orphan !== null) return lock.orphan.leaseUntil
  const contact = lock.owner === null ? undefined : fleet.contacts.get(String(lock.owner.session))
  return contact?.leaseUntil ?? Number.NEGATIVE_INFINITY
}

/**
 * The hold ends without a word of its owner. The floor moves now; the lock comes free when the lease that the owner may
 * still believe in has run out and lockDelay has passed, or only by an operator where the policy says so.
 */
export function orphan(
  fleet: Fleet,
  lock: Lock,
  ending: { cause: OrphanCause; leaseUntil: number },
  now: number
): void {
  const until = Math.max(now, ending.leaseUntil)
  const ended: Lock = {
    ...lock,
    state: 'orphaned',
    floor: Math.max(lock.floor, lock.fence + 1),
    unheard: null,
    clearing: null,
    orphan: { cause: ending.cause, at: now, leaseUntil: until, freeAt: null }
  }
  const orphaned: Lock = {
    ...ended,
    orphan: { ...(ended.orphan as Orphan), freeAt: freeAt(fleet, ended) }
  }
  putLock(fleet, orphaned)
  leaveGrant(fleet, lock, ending.cause, now)
  tellOwner(fleet, lock, ending.cause)
  const detail = { lock: lock.name, fence: lock.fence, owner: lock.owner, cause: ending.cause }
  fleet.effect({ do: 'audit', entry: { what: 'orphaned', by: 'locksmith', detail } })
  fleet.log('warn', 'orphaned', { ...detail, freeInMs: inMs(orphaned.orphan?.freeAt ?? null, now) })
}

function tellOwner(fleet: Fleet, lock: Lock, how: string): void {
  if (lock.owner === null || lock.request === null) return
  fleet.reply(lock.owner.name, {
    op: 'ended',
    session: lock.owner.session,
    seq: 0,
    request: lock.request,
    locks: [{ lock: lock.name, fence: lock.fence }],
    how
  })
}

/** What an operator's unlock with grace asks of the owner; undefined when none has been made. */
export function askedBack({ clearing, state }: Lock, now: number): AskedBack | undefined {
  if (clearing === null || state !== 'held') return undefined
  const { operation, by, reason, at } = clearing
  return { operation, by, reason, inMs: Math.max(0, Math.round(at - now)) }
}

/** Asks the owner at once; its heartbeats are told again, for this word may be lost. */
export function askBack(fleet: Fleet, lock: Lock, now: number): void {
  const asked = askedBack(lock, now)
  if (asked === undefined || lock.owner === null || lock.request === null) return
  const { name, fence, request, owner } = lock
  fleet.reply(owner.name, { op: 'asked', session: owner.session, seq: 0, request, lock: name, fence, asked })
}

export type FreeCause = 'released' | 'reclaimed' | 'cleared'

/** Makes a held or orphaned lock free. The caller vouches that nobody may still act under it. */
export function free(fleet: Fleet, lock: Lock, how: FreeCause, now: number): void {
  putLock(fleet, {
    ...lock,
    state: 'free',
    floor: Math.max(lock.floor, lock.fence + 1),
    owner: null,
    kind: null,
    request: null,
    reason: '',
    orphan: null,
    unheard: null,
    clearing: null
  })
  leaveGrant(fleet, lock, how, now)
  const detail = { lock: lock.name, fence: lock.fence, owner: lock.owner, heldMs: now - lock.grantedAt }
  fleet.effect({
    do: 'audit',
    entry: { what: how, by: how === 'released' ? (lock.owner?.name ?? '') : 'locksmith', detail }
  })
  if (how !== 'released') fleet.log('warn', how, detail)
}

/** Whether updates that were sent out under this grant are still unanswered: its owner has not stopped, whatever it says. */
export function updatesOut(fleet: Fleet, lock: Lock): boolean {
  const pushes = fleet.pushes.where('under', grantKey({ lock: lock.name, fence: lock.fence }))
  return pushes.some(({ devices }) => devices.some((device) => device.state === 'sent'))
}

/** The owner gives the lock back. It is free at once, unless its own updates are still out: then the lease runs out first. */
export function giveBack(fleet: Fleet, lock: Lock, now: number): void {
  if (!updatesOut(fleet, lock)) free(fleet, lock, 'released', now)
  else if (lock.state === 'held')
    orphan(fleet, lock, { cause: 'updates-out', leaseUntil: leaseUntil(fleet, lock) }, now)
}

/** Agents in service below a scope. */
export const agentsBelow = (fleet: Fleet, scope: string): Session[] => fleet.sessions.where('agent', scope)

/**
 * How long to wait after the lease of a holder that did not report its end. Nothing at all when only agents and pushes act
 * under the lock and every controller below it refuses a late write by itself: fence and deadline make the ghost harmless.
 */
export function lockDelayMs(fleet: Fleet, lock: Lock): number {
  const configured = fleet.options.policy(lock.name).lockDelayMs
  if (lock.orphan?.cause === 'fences-raised' || lock.kind === 'tool' || lock.kind === null) return configured
  const agents = agentsBelow(fleet, lock.scope)
  const allEnforce =
    agents.length > 0 && agents.every((agent) => fleet.contacts.get(String(agent.session))?.enforces === true)
  return allEnforce ? 0 : configured
}

/** When an orphaned lock comes free by itself; null when only an operator frees it. A change of policy or of what is known may bring it nearer, never put it off. */
export function freeAt(fleet: Fleet, lock: Lock): number | null {
  const { orphan: orphaned } = lock
  if (orphaned === null) return null
  const waits =
    orphaned.cause !== 'cleared' && fleet.options.policy(lock.name).onOrphan === 'wait-for-operator'
  const live = waits ? null : orphaned.leaseUntil + lockDelayMs(fleet, lock)
  if (orphaned.freeAt === null || live === null) return live ?? orphaned.freeAt
  return Math.min(orphaned.freeAt, live)
}

const inMs = (at: number | null, now: number): number | null =>
  at === null ? null : Math.max(0, Math.round(at - now))

/** What will free this lock, in words, and when at the latest, if that is known. */
export function freedBy(fleet: Fleet, lock: Lock, now: number): FreedBy | null {
  if (lock.state === 'free') return null
  if (lock.state === 'orphaned') {
    const at = freeAt(fleet, lock)
    return at === null
      ? { what: 'unlock by an operator', inMs: null }
      : { what: 'reclaim', inMs: inMs(at, now) }
  }
  if (lock.clearing !== null) {
    return { what: 'unlock with grace', inMs: inMs(clearedBy(fleet, lock, lock.clearing.at), now) }
  }
  if (isSilent(fleet, lock, now)) {
    return { what: 'its lease runs out', inMs: inMs(leaseUntil(fleet, lock) + lockDelayMs(fleet, lock), now) }
  }
  return {
    what: 'its owner, or maxHold',
    inMs: inMs(maxHoldAt(fleet, lock), now)
  }
}

/** When a hold becomes too long: by the policy at its grant, or a stricter one of today. */
export const maxHoldAt = (fleet: Fleet, lock: Lock): number =>
  lock.grantedAt + Math.min(lock.maxHoldMs, fleet.options.policy(lock.name).maxHoldMs)

/** When a lock whose hold is ended at `at` comes free, at the latest: its owner may have renewed just before. */
export const clearedBy = (fleet: Fleet, lock: Lock, at: number): number =>
  at + fleet.options.ttlMs + lockDelayMs(fleet, lock)

/** Two heartbeats of the owner are missing. */
function isSilent(fleet: Fleet, lock: Lock, now: number): boolean {
  const heard = lastHeardMs(fleet, lock, now)
  return heard === null || heard > (fleet.options.ttlMs * 2) / 3 + 500
}

/** Age of the owner's last renewing heartbeat in this life of Locksmith; null when there was none. */
export function lastHeardMs(fleet: Fleet, lock: Lock, now: number): number | null {
  const contact = lock.owner === null ? undefined : fleet.contacts.get(String(lock.owner.session))
  return contact?.renewedAt === undefined ? null : Math.round(now - contact.renewedAt)
}

export function blockerOf(fleet: Fleet, lock: Lock, now: number): Blocker {
  return {
    lock: lock.name,
    fence: lock.fence,
    state: lock.state === 'orphaned' ? 'orphaned' : 'held',
    owner: lock.owner,
    heldMs: Math.round(now - lock.grantedAt),
    lastHeardMs: lastHeardMs(fleet, lock, now),
    leaseLeftMs: Math.round(Math.max(0, leaseUntil(fleet, lock) - now)),
    freedBy: freedBy(fleet, lock, now) ?? { what: 'reclaim', inMs: 0 }
  }
}

/** The mark counts from its first setting, so that a crash loop of Locksmith keeps no ghost alive; but not before living owners could be heard. */
export function unheardDueAt(fleet: Fleet, lock: Lock): number {
  const since = lock.unheard?.since ?? Number.POSITIVE_INFINITY
  return Math.max(since + fleet.options.ttlMs, reclaimsFrom(fleet))
}

/** When time by itself does something to this lock, as things are. */
export function dueOf(fleet: Fleet, lock: Lock): number {
  if (lock.state === 'orphaned')
    return Math.max(freeAt(fleet, lock) ?? Number.POSITIVE_INFINITY, reclaimsFrom(fleet))
  if (lock.unheard !== null) return unheardDueAt(fleet, lock)
  const clearing = lock.clearing?.at ?? Number.POSITIVE_INFINITY
  return Math.min(leaseUntil(fleet, lock), maxHoldAt(fleet, lock), clearing)
}
