import { takenBelow, waitersBelow } from './conflicts.ts'
import type { Fleet, Lock, Waiter } from './fleet.ts'
import { parseLock, WHOLE_FLEET } from './scope.ts'

/**
 * Slots: at most so many device locks of a resource below a scope are taken at a time. A wide lock is no device lock and takes
 * none. Every pool that a policy names is a limit of its own, and all of them count.
 */
export interface Pool {
  readonly scope: string
  readonly most: number
}

/** How much of a pool a request needs. */
export interface Need extends Pool {
  readonly resource: string
  readonly count: number
}

/** A lock on just the path of an agent in service. */
function isDeviceLock(fleet: Fleet, scope: string): boolean {
  if (scope === WHOLE_FLEET) return false
  return fleet.sessions.where('agent', scope).some(({ device }) => device === scope)
}

/** What these locks need, pool by pool, as the policies are now. */
export function needsOf(fleet: Fleet, locks: readonly string[]): Need[] {
  const needs = new Map<string, Need>()
  for (const lock of locks) {
    const { slots } = fleet.options.policy(lock)
    const path = slots.length === 0 ? undefined : parseLock(lock)
    if (path === undefined || !isDeviceLock(fleet, path.scope)) continue
    for (const { scope, most } of slots) {
      const key = `${scope}:${path.resource}`
      const count = (needs.get(key)?.count ?? 0) + 1
      needs.set(key, { scope, most, resource: path.resource, count })
    }
  }
  return [...needs.values()]
}

const poolName = ({ scope, resource }: Need): string => `${scope}:${resource}`

/** The names under which waiters for slots of these locks are found. */
export const poolsOf = (fleet: Fleet, locks: readonly string[]): string[] =>
  needsOf(fleet, locks).map(poolName)

/** A pool that could not hold the request even if it were empty. */
export const impossibleNeed = (fleet: Fleet, locks: readonly string[]): Need | undefined =>
  needsOf(fleet, locks).find(({ count, most }) => count > most)

/** The device locks that take up a slot of this pool: those of ghosts too. */
const holdersOf = (fleet: Fleet, need: Need): Lock[] =>
  takenBelow(fleet, poolName(need)).filter((lock) => lock.kind === 'agent' || isDeviceLock(fleet, lock.scope))

/** How many slots of this pool a waiter wants. */
function wantedBy(fleet: Fleet, waiter: Waiter, need: Need): number {
  const same = needsOf(fleet, waiter.locks).find((other) => poolName(other) === poolName(need))
  return same?.count ?? 0
}

/** Whether the slots suffice for the waiter after all who come before it. */
export const slotsSuffice = (fleet: Fleet, waiter: Waiter, isBefore: (other: Waiter) => boolean): boolean =>
  needsOf(fleet, waiter.locks).every((need) => {
    const before = waitersBelow(fleet, poolName(need)).filter(isBefore)
    const wanted = before.reduce((sum, other) => sum + wantedBy(fleet, other, need), 0)
    return holdersOf(fleet, need).length + wanted + need.count <= need.most
  })

export interface SlotHolders extends Pool {
  readonly locks: readonly Lock[]
}

/** Who takes up the slots that these locks lack. */
export const fullPools = (fleet: Fleet, locks: readonly string[]): SlotHolders[] =>
  needsOf(fleet, locks).flatMap((need) => {
    const holders = holdersOf(fleet, need)
    const { scope, most } = need
    return holders.length + need.count > most ? [{ scope, most, locks: holders }] : []
  })

/** Those who wait for a slot of the same pools. */
export function slotRivals(fleet: Fleet, locks: readonly string[]): Waiter[] {
  return needsOf(fleet, locks).flatMap((need) =>
    waitersBelow(fleet, poolName(need)).filter((waiter) => wantedBy(fleet, waiter, need) > 0)
  )
}
