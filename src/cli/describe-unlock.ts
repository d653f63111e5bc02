import { formatDuration } from '../protocol/duration.ts'
import { whose } from '../rules/whose.ts'
import type { DeviceView, LockView, StatusView } from './answers.ts'
import { freed, heard, ownerName, plural } from './words.ts'

/** What an operator has to know before a lock is cleared, a line each. */
export function describeUnlock(lock: LockView, status: StatusView): string[] {
  const living = lock.leaseLeftMs > 0
  const verdict = living ? 'alive' : 'silent, its lease has run out'
  const { will, stay } = movement(lock, status.devices)
  return [
    `${lock.lock} is ${whose(lock.state, ownerName(lock.owner))} under fence ${lock.fence} for ${formatDuration(lock.heldMs)}`,
    `  owner       ${verdict}; ${heard(lock.lastHeardMs)}`,
    `  doing       ${[lock.phase, lock.reason].filter(Boolean).join('; ') || 'it did not say'}`,
    `  waiting     ${lock.waiters.map(({ name, waitedMs }) => `${name} (${formatDuration(waitedMs)})`).join(', ') || 'nobody'}`,
    `  will move   ${will.join(', ') || 'nothing'}`,
    `  stay put    ${stay.join(', ') || 'nothing'}`,
    `  next grant  ${nextGrant(lock, living)}`,
    `  by itself   ${freed(lock.freedBy) || 'it does not come free by itself'}`,
    `  standing    ${lock.paused.standing} of ${plural(lock.paused.devices, 'device')}, ${lock.paused.unreachable} unreachable`
  ]
}

function nextGrant(lock: LockView, living: boolean): string {
  if (living)
    return `when its owner has stopped, or its lease (${formatDuration(lock.leaseLeftMs)} left) and the lock delay have passed`
  return lock.state === 'orphaned' && lock.freedBy?.inMs != null && lock.freedBy.inMs > 0
    ? `within ${formatDuration(lock.freedBy.inMs)}`
    : 'at once, or when the lock delay has passed'
}

/** Devices for which this lock is the only reason to stand still, and those that have others. */
function movement(lock: LockView, devices: readonly DeviceView[]): { will: string[]; stay: string[] } {
  const held = devices.filter((device) =>
    device.holds.some((hold) => hold.lock === lock.lock && !hold.waived)
  )
  const only = (device: DeviceView): boolean =>
    device.holds.every((hold) => hold.waived || hold.lock === lock.lock)
  return {
    will: held.filter(only).map((device) => device.device),
    stay: held.filter((device) => !only(device)).map((device) => device.device)
  }
}
