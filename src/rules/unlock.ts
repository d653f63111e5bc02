import type { Fleet, Lock, Operation } from './fleet.ts'
import { askBack, clearedBy, free, freeAt, leaseUntil, lockDelayMs, lockOf, orphan, putLock } from './lock.ts'
import { reclaimsFrom } from './opening.ts'
import { hasLease, serveQueue } from './queue.ts'
import type { Refusal } from './refusals.ts'
import { parseLock } from './scope.ts'

/**
 * The operator's way out. It acts on the very grant that the operator saw; a ghost's lock is free at once, a living owner is
 * told and stops, or its lease and lockDelay pass first: nothing moves under somebody who may still act.
 */
export interface UnlockInput {
  readonly from: string
  readonly operation: string
  readonly lock: string
  /** The fence that the operator saw. */
  readonly fence: number
  readonly reason: string
  readonly graceMs: number
}

export function unlock(fleet: Fleet, input: UnlockInput, now: number): void {
  const refuse = (refusal: Refusal): void =>
    fleet.reply(input.from, { op: 'failed', id: input.operation, refusal })
  if (parseLock(input.lock) === undefined) return refuse({ why: 'bad-lock-name', lock: input.lock })
  if (input.reason.trim() === '') return refuse({ why: 'reason-missing' })
  const done = fleet.operations.get(input.operation) ?? carryOut(fleet, input, now)
  fleet.reply(input.from, {
    op: 'unlocked',
    id: input.operation,
    outcome: done,
    freeInMs: done.freeAt === null ? null : Math.max(0, Math.round(done.freeAt - now))
  })
  serveQueue(fleet, now)
}

function carryOut(fleet: Fleet, input: UnlockInput, now: number): Operation {
  const lock = lockOf(fleet, input.lock)
  const outcome = lock.state === 'free' ? 'already-free' : lock.fence !== input.fence ? 'changed' : 'cleared'
  const operation: Operation = {
    operation: input.operation,
    lock: input.lock,
    outcome,
    fence: lock.fence,
    freeAt: outcome === 'cleared' ? clear(fleet, lock, input, now) : null,
    at: now,
    by: input.from,
    reason: input.reason,
    owner: lock.owner?.name ?? null,
    toldTo: null
  }
  fleet.operations.put(operation.operation, operation)
  const detail = {
    operation: input.operation,
    lock: lock.name,
    fence: lock.fence,
    owner: lock.owner,
    outcome,
    reason: input.reason
  }
  fleet.effect({ do: 'audit', entry: { what: 'unlock', by: input.from, detail } })
  return operation
}

/** When the lock will be free, at the latest; null when that cannot be told yet. */
function clear(fleet: Fleet, lock: Lock, input: UnlockInput, now: number): number | null {
  const living = lock.state === 'held' && lock.owner !== null && hasLease(fleet, lock.owner.session, now)
  if (living && input.graceMs > 0) {
    const at = now + input.graceMs
    const clearing = { operation: input.operation, at, by: input.from, reason: input.reason }
    askBack(fleet, putLock(fleet, { ...lock, clearing }), now)
    return clearedBy(fleet, lock, at)
  }
  clearNow(fleet, lock, now)
  const after = lockOf(fleet, lock.name)
  return after.state === 'free' ? now : freeAt(fleet, after)
}

/** Ends the hold; frees the lock too when lease and lockDelay of its ghost have passed already. */
export function clearNow(fleet: Fleet, lock: Lock, now: number): void {
  const until = leaseUntil(fleet, lock)
  const passed = until + lockDelayMs(fleet, lock) <= now
  if (lock.state === 'held') orphan(fleet, lock, { cause: 'cleared', leaseUntil: until }, now)
  else if (lock.orphan !== null) putLock(fleet, { ...lock, orphan: { ...lock.orphan, cause: 'cleared' } })
  if (passed && now >= reclaimsFrom(fleet)) free(fleet, lockOf(fleet, lock.name), 'cleared', now)
}
