import { LOST_GRANT_DELAY_MS } from './continuity.ts'
import type { Blocker } from './effects.ts'
import type { Fleet, Session, Waiter } from './fleet.ts'
import { blockerOf, grant } from './lock.ts'
import { overlap, parseLock, ScopeSet } from './scope.ts'

/**
 * First come, first served: a waiter is passed over only while its own session has no lease, and nobody who conflicts with
 * an earlier waiter overtakes it.
 */

const inOrder = (a: Waiter, b: Waiter): number => a.since - b.since || a.arrival - b.arrival

export const waitersInOrder = (fleet: Fleet): Waiter[] => [...fleet.waiters.values()].sort(inOrder)

const conflicts = (a: string, b: string): boolean => {
  const [x, y] = [parseLock(a), parseLock(b)]
  return x !== undefined && y !== undefined && x.resource === y.resource && overlap(x.scope, y.scope)
}

export const anyConflict = (a: readonly string[], b: readonly string[]): boolean =>
  a.some((one) => b.some((other) => conflicts(one, other)))

/** What is taken, by resource. */
class Taken {
  readonly #byResource = new Map<string, ScopeSet>()

  add(scope: string, resource: string): void {
    const scopes = this.#byResource.get(resource) ?? new ScopeSet()
    scopes.add(scope)
    this.#byResource.set(resource, scopes)
  }

  addAll(locks: readonly string[]): void {
    for (const name of locks) {
      const path = parseLock(name)
      if (path !== undefined) this.add(path.scope, path.resource)
    }
  }

  touches(locks: readonly string[]): boolean {
    return locks.some((name) => {
      const path = parseLock(name)
      return path !== undefined && (this.#byResource.get(path.resource)?.overlaps(path.scope) ?? false)
    })
  }
}

/** When reclaims may begin: living owners are still coming back before, or a quiet time runs. */
export const reclaimsFrom = (fleet: Fleet): number => Math.max(fleet.opensAt, fleet.meta.quietUntil)

/** When grants may begin: after a quiet time, lost grants count with a delay of their own. */
export function grantsFrom(fleet: Fleet): number {
  const { quietUntil } = fleet.meta
  return Math.max(fleet.opensAt, quietUntil > 0 ? quietUntil + LOST_GRANT_DELAY_MS : 0)
}

/** A session that may act: it has renewed in this life of Locksmith, and its lease has not run out. */
export function hasLease(fleet: Fleet, session: number, now: number): boolean {
  const contact = fleet.contacts.get(String(session))
  return contact?.renewedAt !== undefined && contact.leaseUntil > now
}

/** Grants whatever can be granted, in order. */
export function serveQueue(fleet: Fleet, now: number): void {
  if (fleet.storeRefuses || now < grantsFrom(fleet)) return
  const waiters = waitersInOrder(fleet)
  if (waiters.length === 0) return
  const taken = new Taken()
  for (const lock of fleet.busy.values()) taken.add(lock.scope, lock.resource)
  for (const waiter of waiters) {
    if (fleet.waiters.get(waiter.request) === undefined || !hasLease(fleet, waiter.session, now)) continue
    if (!taken.touches(waiter.locks)) grantTo(fleet, waiter, now)
    taken.addAll(waiter.locks)
  }
}

function grantTo(fleet: Fleet, waiter: Waiter, now: number): void {
  const session = fleet.sessions.get(String(waiter.session))
  if (session === undefined) return
  const { request, seq, locks, reason } = waiter
  const granted = grant(fleet, { request, session, seq, locks, reason }, now)
  if (granted === undefined) return
  fleet.waiters.remove(request)
  fleet.reply(session.name, { op: 'granted', session: session.session, seq, request, locks: granted })
  refuseOthers(fleet, session, locks)
}

/** A session that holds cannot queue for more, or two of them could wait for each other. */
function refuseOthers(fleet: Fleet, { name, session }: Session, held: readonly string[]): void {
  for (const { request, seq } of waitersOf(fleet, session)) {
    fleet.waiters.remove(request)
    fleet.reply(name, {
      op: 'refused',
      session,
      seq,
      request,
      refusal: { why: 'holds-already', locks: held }
    })
  }
}

export const waitersOf = (fleet: Fleet, session: number): Waiter[] =>
  [...fleet.waiters.values()].filter((waiter) => waiter.session === session)

/** What stands between a waiter and its grant: the locks that are taken, else the waiters before it. */
export function blockersOf(
  fleet: Fleet,
  locks: readonly string[],
  before: readonly Waiter[],
  now: number
): Blocker[] {
  const blockers: Blocker[] = []
  for (const lock of fleet.busy.values()) {
    if (anyConflict([lock.name], locks)) blockers.push(blockerOf(fleet, lock, now))
  }
  if (blockers.length > 0) return blockers
  const ahead = before.find((waiter) => anyConflict(waiter.locks, locks))
  const session = ahead && fleet.sessions.get(String(ahead.session))
  if (ahead === undefined || session === undefined) return []
  return [
    {
      lock: ahead.locks.find((one) => anyConflict([one], locks)) ?? '',
      fence: 0,
      state: 'queued',
      owner: { name: session.name, session: session.session, boot: session.boot },
      heldMs: now - ahead.since,
      lastHeardMs: null,
      leaseLeftMs: 0,
      freedBy: { what: 'its turn in the queue', inMs: null }
    }
  ]
}

export interface Place {
  /** 1 = next. */
  readonly place: number
  readonly blockers: readonly Blocker[]
}

export function placeOf(fleet: Fleet, waiter: Waiter, now: number): Place {
  const before = waitersInOrder(fleet).filter((other) => inOrder(other, waiter) < 0)
  const ahead = before.filter((other) => anyConflict(other.locks, waiter.locks))
  return { place: ahead.length + 1, blockers: blockersOf(fleet, waiter.locks, before, now) }
}
