import type { Fleet, Lock } from './fleet.ts'
import { free, freeAt, leaseUntil, lockOf, maxHoldAt, orphan } from './lock.ts'
import { advancePushes, pushesDue } from './push.ts'
import { grantsFrom, hasLease, reclaimsFrom, serveQueue } from './queue.ts'
import { clearNow } from './unlock.ts'

/** What time does by itself. It runs before every input, so that no input meets a lease that has already run out. */
export function advance(fleet: Fleet, now: number): void {
  for (const lock of [...fleet.busy.values()]) {
    if (lock.state === 'held') endIfDue(fleet, lock, now)
    reclaimIfDue(fleet, lockOf(fleet, lock.name), now)
  }
  for (const waiter of [...fleet.waiters.values()]) {
    const contact = fleet.contacts.get(String(waiter.session))
    if (contact === undefined || contact.leaseUntil <= now) fleet.waiters.remove(waiter.request)
  }
  settle(fleet, now)
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

/** The mark counts from its first setting, so that a crash loop of Locksmith keeps no ghost alive; but not before living owners could be heard. */
function unheardDueAt(fleet: Fleet, lock: Lock): number {
  const since = lock.unheard?.since ?? Number.POSITIVE_INFINITY
  return Math.max(since + fleet.options.ttlMs, reclaimsFrom(fleet))
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
  const due: number[] = pushesDue(fleet)
  for (const lock of fleet.busy.values()) {
    if (lock.state === 'orphaned')
      due.push(Math.max(freeAt(fleet, lock) ?? Number.POSITIVE_INFINITY, reclaimsFrom(fleet)))
    else if (lock.unheard !== null) due.push(unheardDueAt(fleet, lock))
    else
      due.push(leaseUntil(fleet, lock), maxHoldAt(fleet, lock), lock.clearing?.at ?? Number.POSITIVE_INFINITY)
  }
  for (const waiter of fleet.waiters.values()) {
    due.push(fleet.contacts.get(String(waiter.session))?.leaseUntil ?? now)
  }
  const opens = [reclaimsFrom(fleet), grantsFrom(fleet)].filter((at) => now < at)
  if (due.length > 0) due.push(...opens)
  const next = Math.min(...due)
  return Number.isFinite(next) ? next : undefined
}
