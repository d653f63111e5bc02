import type { Fleet, Push, PushDevice } from './fleet.ts'
import { agentsBelow } from './lock.ts'
import { waitersOf } from './queue.ts'
import { ownedBy } from './request.ts'
import { lockName } from './scope.ts'

/**
 * Contact is no answer: an agent may renew its lease and still never say what became of an update, and its push would
 * exclude every later one. So patience with it ends. It never runs against a device that waits for a lock of its own or
 * holds one: that is at work, its wait is bounded by whoever stands in its way, its hold by maxHold.
 */

export const patienceMs = (fleet: Fleet, resource: string, device: string): number =>
  fleet.options.policy(lockName({ scope: device, resource })).patienceMs

/** When it ends with a device that was handed a rolling update. A push together is bounded by its lock and its pusher. */
export function patienceEnds(fleet: Fleet, push: Push, { device, state, watched }: PushDevice): number {
  if (push.under !== null || state !== 'sent') return Number.POSITIVE_INFINITY
  const since = Math.max(watched?.since ?? Number.NEGATIVE_INFINITY, fleet.listeningSince)
  return since + patienceMs(fleet, push.resource, device)
}

/**
 * Patience begins anew when it would end with a device that is at work, or was at some moment since it was looked at last: so
 * that it never ends just after a change.
 */
export function watch(fleet: Fleet, push: Push, device: PushDevice, now: number): PushDevice {
  if (patienceEnds(fleet, push, device) > now) return device
  const atWork = isAtWork(fleet, device.device)
  const worked = device.watched?.atWork === true || wasGranted(fleet, device)
  return atWork || worked ? { ...device, watched: { since: now, atWork } } : device
}

/** Whether the device waits for a lock or holds one. */
const isAtWork = (fleet: Fleet, device: string): boolean =>
  agentsBelow(fleet, device).some(
    ({ device: own, session }) =>
      own === device && (waitersOf(fleet, session).length > 0 || ownedBy(fleet, session).length > 0)
  )

/** Whether it was granted a lock since it was looked at last. Moments of an earlier life of Locksmith may be of another clock. */
function wasGranted(fleet: Fleet, { device, watched }: PushDevice): boolean {
  const { term } = fleet.meta
  return fleet.locks
    .where('scope', device)
    .some((lock) => lock.term === term && lock.fence > 0 && lock.grantedAt >= (watched?.since ?? 0))
}
