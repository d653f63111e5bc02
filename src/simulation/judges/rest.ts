import type { Board } from '../device/board.ts'
import type { Device } from '../device/device.ts'
import type { LocksmithHost } from '../programs/locksmith.ts'
import type { World } from '../world.ts'
import { disagreement, reportOf } from './report.ts'

/** Ends everything that disturbs: whoever needs not stay is gone, whatever it holds; the rest works again. */
export function becalm(world: World, locksmith: LocksmithHost, devices: readonly Device[]): void {
  world.history.note('world', 'faults have ceased')
  world.calm = true
  for (const host of world.hosts) {
    if (!host.stays) host.life?.kill()
    else if (host.life === undefined) host.startIn(100)
    else host.life.wake()
  }
  world.broker.becalm()
  if (!world.broker.up) world.broker.restart('kept')
  locksmith.becalm()
  for (const { disk, boards } of devices) {
    disk.becalm()
    for (const board of boards) {
      board.plug()
      board.becalm()
    }
  }
}

/** How long everything may take to come to rest afterwards. */
export const restMs = ({ ttlMs, policy }: World): number =>
  8 * ttlMs + policy.lockDelayMs + policy.patienceMs + 20_000

/**
 * Judged at the very end, when faults have ceased. Promise 6: no lock and no push stays behind. Promise 10: every device moves
 * again. Promise 12: its file and its controllers agree. Promise 3: each controller knows the floors.
 */
export function judgeRest(world: World, locksmith: LocksmithHost, devices: readonly Device[]): void {
  for (const { kind, key, value } of locksmith.disk.rows.values()) {
    const { state } = value as { readonly state?: string }
    if (kind === 'lock' && state !== 'free') world.violate(6, `${key} is still ${state}`)
    if (kind === 'push' && state === 'open')
      world.violate(6, `push ${key} is still open: ${JSON.stringify(value)}`)
  }
  for (const device of devices) {
    const why = unrest(device) ?? unsaid(world, device)
    if (why !== undefined) world.violate(10, `${device.name}: ${why}`)
    const low = device.boards.map((board) => lowFloor(locksmith, device, board)).find(Boolean)
    if (low !== undefined) world.violate(3, `${device.name}: ${low}`)
    const odd = disagreement(world, device)
    if (odd !== undefined) world.violate(12, `${device.name}: ${odd}`)
  }
}

function unrest(device: Device): string | undefined {
  const { journal, boards } = device
  if (!journal.behind && journal.step !== 'none') return `its change is still at ${journal.step}`
  if (!journal.behind && journal.unverified.length > 0)
    return `${journal.unverified.join(', ')} is still unverified`
  for (const board of boards) {
    const { trace, name } = board
    if (trace.unverified.length > 0) return `${name} has ${trace.unverified.join(', ')} unverified`
    if (trace.paused) return `${name} is still paused`
  }
  return undefined
}

/** It moves, and says so. */
function unsaid(world: World, device: Device): string | undefined {
  const report = reportOf(world, device)
  if (report?.state === 'running' && report.holds.length === 0) return undefined
  return `it moves, and says: ${report?.state}, ${JSON.stringify(report?.holds)}`
}

interface StoredFloor {
  readonly name: string
  readonly floor: number
}

/** A controller knows the floor of every lock that covers it. */
function lowFloor({ disk }: LocksmithHost, device: Device, { name, trace }: Board): string | undefined {
  for (const { kind, value } of disk.rows.values()) {
    const { name: lock, floor } = value as StoredFloor
    if (kind !== 'lock' || !device.isUnder(lock)) continue
    const known = trace.floors[lock.split(':')[1] ?? '']
    if (known !== undefined && known < floor)
      return `${name} lets fences from ${known} on pass, though the floor of ${lock} is ${floor}`
  }
  return undefined
}
