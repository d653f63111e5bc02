import type { Fleet, Lock, Waiter } from './fleet.ts'
import { locksAbove, overlap, parseLock } from './scope.ts'

/** Which locks conflict: the same resource, and one scope is a prefix of the other, or equal. Found by index, whatever the size of the fleet. */

const conflicts = (a: string, b: string): boolean => {
  const [x, y] = [parseLock(a), parseLock(b)]
  return x !== undefined && y !== undefined && x.resource === y.resource && overlap(x.scope, y.scope)
}

export const anyConflict = (a: readonly string[], b: readonly string[]): boolean =>
  a.some((one) => b.some((other) => conflicts(one, other)))

/** The locks that are not free and conflict with any of these. */
export function takenAmong(fleet: Fleet, locks: readonly string[]): Lock[] {
  const taken = new Set<Lock>()
  for (const lock of locks) {
    for (const above of locksAbove(lock)) {
      const busy = fleet.busy.get(above)
      if (busy !== undefined) taken.add(busy)
    }
    for (const below of takenBelow(fleet, lock)) taken.add(below)
  }
  return [...taken]
}

/** The locks that are not free at or below this one. */
export const takenBelow = (fleet: Fleet, lock: string): Lock[] => fleet.busy.where('below', lock)

/** The requests that wait for a lock at or below this one. */
export const waitersBelow = (fleet: Fleet, lock: string): Waiter[] => fleet.waiters.where('below', lock)

/** The requests that wait for a lock that conflicts with any of these. */
export function waitersAmong(fleet: Fleet, locks: readonly string[]): Waiter[] {
  const waiters = new Set<Waiter>()
  for (const lock of locks) {
    for (const above of locksAbove(lock))
      for (const waiter of fleet.waiters.where('lock', above)) waiters.add(waiter)
    for (const waiter of waitersBelow(fleet, lock)) waiters.add(waiter)
  }
  return [...waiters]
}
