import { anyConflict, takenAmong, waitersAmong } from './conflicts.ts'
import type { Blocker } from './effects.ts'
import type { Fleet, Session, Waiter } from './fleet.ts'
import { blockerOf, grant } from './lock.ts'
import { grantsFrom } from './opening.ts'
import { fullPools, impossibleNeed, poolsOf, slotRivals, slotsSuffice } from './slots.ts'

/**
 * First come, first served: a waiter is passed over only while its own session has no lease, and nobody who conflicts with
 * an earlier waiter, or wants a slot that it needs, overtakes it.
 */

const inOrder = (a: Waiter, b: Waiter): number => a.since - b.since || a.arrival - b.arrival

/** Those who wait for what conflicts with any of these locks, first come first. */
export const waitersFor = (fleet: Fleet, locks: readonly string[]): Waiter[] =>
  waitersAmong(fleet, locks).sort(inOrder)

/** Takes a request out of the queue; whoever stood behind it may be served. */
export function removeWaiter(fleet: Fleet, request: string): void {
  const waiter = fleet.waiters.get(request)
  if (waiter === undefined) return
  fleet.waiters.remove(request)
  for (const lock of waiter.locks) fleet.due.freed(lock)
}

/** A session that may act: it has renewed in this life of Locksmith, and its lease has not run out. */
export function hasLease(fleet: Fleet, session: number, now: number): boolean {
  const contact = fleet.contacts.get(String(session))
  return contact?.renewedAt !== undefined && contact.leaseUntil > now
}

/** Grants whatever can be granted, in order. */
export function serveQueue(fleet: Fleet, now: number): void {
  if (fleet.storeRefuses || now < grantsFrom(fleet)) return
  for (let asking = candidates(fleet); asking.length > 0; asking = candidates(fleet)) {
    for (const waiter of asking) {
      const waits = fleet.waiters.get(waiter.request) === waiter && !isImpossible(fleet, waiter)
      if (waits && hasLease(fleet, waiter.session, now) && isNext(fleet, waiter, now))
        grantTo(fleet, waiter, now)
    }
  }
}

/** Those whose chance may have come since they were looked at last. */
function candidates(fleet: Fleet): Waiter[] {
  const { everybody, freed, requests } = fleet.due.take()
  if (everybody) return [...fleet.waiters.values()].sort(inOrder)
  if (freed.length === 0 && requests.length === 0) return []
  const asking = new Set(waitersAmong(fleet, [...freed, ...poolsOf(fleet, freed)]))
  for (const request of requests) {
    const waiter = fleet.waiters.get(request)
    if (waiter !== undefined) asking.add(waiter)
  }
  return [...asking].sort(inOrder)
}

/** Neither a holder nor a ghost nor an earlier waiter that has a lease conflicts with it, or leaves it no slot. */
function isNext(fleet: Fleet, waiter: Waiter, now: number): boolean {
  const isBefore = (other: Waiter): boolean =>
    inOrder(other, waiter) < 0 && hasLease(fleet, other.session, now)
  return (
    takenAmong(fleet, waiter.locks).length === 0 &&
    !waitersAmong(fleet, waiter.locks).some(isBefore) &&
    slotsSuffice(fleet, waiter, isBefore)
  )
}

/** A policy that has changed since it was asked leaves the request no way to be granted: it is told so, and blocks nobody. */
function isImpossible(fleet: Fleet, { request, session, name, seq, locks }: Waiter): boolean {
  const need = impossibleNeed(fleet, locks)
  if (need === undefined) return false
  removeWaiter(fleet, request)
  const { scope, resource, count: asked, most: slots } = need
  const refusal = { why: 'more-than-slots', scope, resource, asked, slots } as const
  fleet.reply(name, { op: 'refused', session, seq, request, refusal })
  return true
}

function grantTo(fleet: Fleet, waiter: Waiter, now: number): void {
  const session = fleet.sessions.get(String(waiter.session))
  if (session === undefined) return
  const { request, seq, locks, reason } = waiter
  const granted = grant(fleet, { request, session, seq, locks, reason }, now)
  if (granted === undefined) return
  removeWaiter(fleet, request)
  fleet.reply(session.name, { op: 'granted', session: session.session, seq, request, locks: granted })
  refuseOthers(fleet, session, locks)
}

/** A session that holds cannot queue for more, or two of them could wait for each other. */
function refuseOthers(fleet: Fleet, { name, session }: Session, held: readonly string[]): void {
  for (const { request, seq } of waitersOf(fleet, session)) {
    removeWaiter(fleet, request)
    fleet.reply(name, {
      op: 'refused',
      session,
      seq,
      request,
      refusal: { why: 'holds-already', locks: held, heldMs: 0 }
    })
  }
}

export const waitersOf = (fleet: Fleet, session: number): Waiter[] =>
  fleet.waiters.where('session', String(session))

/** What stands between a waiter and its grant: the locks that are taken, else who has the slots, else the first waiter before it. */
export function blockersOf(
  fleet: Fleet,
  locks: readonly string[],
  ahead: readonly Waiter[],
  now: number
): Blocker[] {
  const taken = takenAmong(fleet, locks)
  if (taken.length > 0) return taken.map((lock) => blockerOf(fleet, lock, now))
  const slots = fullPools(fleet, locks).flatMap(({ locks: holders, ...slot }) =>
    holders.map((lock) => ({ ...blockerOf(fleet, lock, now), slot }))
  )
  if (slots.length > 0) return slots
  const first = ahead[0]
  const session = first && fleet.sessions.get(String(first.session))
  if (first === undefined || session === undefined) return []
  return [
    {
      lock: first.locks.find((one) => anyConflict([one], locks)) ?? first.locks[0] ?? '',
      fence: 0,
      state: 'queued',
      owner: { name: session.name, session: session.session, boot: session.boot },
      heldMs: now - first.since,
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
  const rivals = new Set([...waitersAmong(fleet, waiter.locks), ...slotRivals(fleet, waiter.locks)])
  const ahead = [...rivals].filter((other) => inOrder(other, waiter) < 0)
  const first = ahead.reduce<Waiter | undefined>(
    (least, other) => (least === undefined || inOrder(other, least) < 0 ? other : least),
    undefined
  )
  return {
    place: ahead.length + 1,
    blockers: blockersOf(fleet, waiter.locks, first === undefined ? [] : [first], now)
  }
}
