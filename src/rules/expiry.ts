import type { Fleet, Lock } from './fleet.ts'
import { dueOf, free, freeAt, leaseUntil, lockOf, maxHoldAt, orphan, unheardDueAt } from './lock.ts'
import { openingAfter, reclaimsFrom } from './opening.ts'
import { advancePushes } from './push.ts'
import { hasLease, removeWaiter, serveQueue } from './queue.ts'
import { clearNow } from './unlock.ts'

/** What time does by itself. It runs before every input, so that no input meets a lease that has already run out. */
export function advance(fleet: Fleet, now: number): void {
  if (now >= fleet.due.at) endWhatIsDue(fleet, now)
  settle(fleet, now)
}

function endWhatIsDue(fleet: Fleet, now: number): void {
  for (const lock of [...fleet.busy.values()]) {
    if (lock.state === 'held') endIfDue(fleet, lock, now)
    reclaimIfDue(fleet, lockOf(fleet, lock.name), now)
  }
  for (const waiter of [...fleet.waiters.values()]) {
    const contact = fleet.contacts.get(String(waiter.session))
    if (contact === undefined || contact.leaseUntil <= now) removeWaiter(fleet, waiter.request)
  }
  fleet.due.at = nextByTime(fleet, now)
}

/** What has become possible by what was just done. It runs after every batch of inputs. */
export function settle(fleet: Fleet, now: number): void {
  serveQueue(fleet, now)
  advancePushes(fleet, now)
}

function endIfDue(fleet: Fleet, lock: Lock, now: number): void {
  if (lock.unheard !== null) {
    const heard = lock.owner !== null && hasLease(fleet, lock.owner.session, now)
    if (!heard && unheardDueAt(fleet, lock) <= now) orphanUnheard(fleet, lock, lock.unheard.term, now)
    return
  }
  const until = leaseUntil(fleet, lock)
  if (until <= now) orphan(fleet, lock, { cause: 'lease-ran-out', leaseUntil: until }, now)
  else if (lock.clearing !== null && lock.clearing.at <= now) clearNow(fleet, lock, now)
  else if (maxHoldAt(fleet, lock) <= now) orphan(fleet, lock, { cause: 'max-hold', leaseUntil: until }, now)
}

/** A mark of an earlier start may come from a backup: its owner may have renewed after it. */
function orphanUnheard(fleet: Fleet, lock: Lock, markedIn: number, now: number): void {
  const leaseLeft = markedIn === fleet.meta.term ? 0 : fleet.options.ttlMs
  orphan(fleet, lock, { cause: 'unheard', leaseUntil: now + leaseLeft }, now)
}

function reclaimIfDue(fleet: Fleet, lock: Lock, now: number): void {
  if (lock.state !== 'orphaned' || now < reclaimsFrom(fleet)) return
  const at = freeAt(fleet, lock)
  if (at !== null && at <= now)
    free(fleet, lock, lock.orphan?.cause === 'cleared' ? 'cleared' : 'reclaimed', now)
}

/** The next moment at which `advance` may have something to do; undefined when nothing is pending. */
export function nextDue(fleet: Fleet, now: number): number | undefined {
  const byTime = fleet.due.at > now ? fleet.due.at : nextByTime(fleet, now)
  const next = Math.min(byTime, ...fleet.openPushes.map((push) => fleet.due.pushes.get(push.id) ?? now))
  return Number.isFinite(next) ? next : undefined
}

/** Exactly when the next hold, lease, orphan or waiter is due; Infinity when there is none. */
function nextByTime(fleet: Fleet, now: number): number {
  let next = Number.POSITIVE_INFINITY
  for (const lock of fleet.busy.values()) next = Math.min(next, dueOf(fleet, lock))
  for (const waiter of fleet.waiters.values())
    next = Math.min(next, fleet.contacts.get(String(waiter.session))?.leaseUntil ?? now)
  return next === Number.POSITIVE_INFINITY ? next : Math.min(next, openingAfter(fleet, now))
}
