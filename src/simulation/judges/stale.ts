import type { Board } from '../device/board.ts'
import type { Device } from '../device/device.ts'
import type { CommitChanges, LocksmithHost } from '../programs/locksmith.ts'
import type { World } from '../world.ts'
import { isBelow } from './exclusive.ts'

interface Granted {
  readonly lock: string
  readonly fence: number
  readonly by: string
  readonly at: number
}

interface StoredGrant {
  readonly name: string
  readonly locks: readonly { readonly lock: string; readonly fence: number }[]
}

/**
 * Promise 3: no controller takes a write under a stale fence. A commit shows as a high-water that moves in the controller's
 * own memory. It must not go back, nor lie below the floor, nor begin after a lock that covers the device and resource was
 * granted to somebody else under a higher fence.
 */
export function judgeStale(world: World, locksmith: LocksmithHost, devices: readonly Device[]): void {
  const granted: Granted[] = []
  const seen = new Set<string>()
  const take = (changes: CommitChanges): void => {
    for (const { kind, key, value } of changes) {
      if (kind !== 'grant' || value === undefined || seen.has(key)) continue
      seen.add(key)
      const { name, locks } = value as StoredGrant
      for (const { lock, fence } of locks) granted.push({ lock, fence, by: name, at: world.timeline.now })
    }
  }
  locksmith.onCommit.push(take)
  locksmith.onTwinCommit.push(take)
  for (const device of devices) {
    const fences = new Map<string, number>()
    device.onBoard.push((board) => {
      for (const [resource, fence] of Object.entries(board.trace.fences)) {
        const key = `${board.name}:${resource}`
        const before = fences.get(key) ?? 0
        if (fence === before) continue
        fences.set(key, fence)
        const what = `controller ${board.name} of ${device.name} committed ${resource} under fence ${fence}`
        world.history.note(device.name, what)
        const wrong = whyStale({ device, board, resource, fence, before, granted })
        if (wrong !== undefined) world.violate(3, `${what}, ${wrong}`)
      }
    })
  }
}

interface Commit {
  readonly device: Device
  readonly board: Board
  readonly resource: string
  readonly fence: number
  readonly before: number
  readonly granted: readonly Granted[]
}

function whyStale({ device, board, resource, fence, before, granted }: Commit): string | undefined {
  if (fence < before) return `after one under fence ${before}`
  const began = board.writingSince ?? 0
  const later = granted.find(
    (one) => one.fence > fence && one.at < began && covers(one.lock, device.path, resource)
  )
  if (later === undefined) return undefined
  const ms = Math.round(began - later.at)
  return `${ms} ms after ${later.lock} was granted to ${later.by} under fence ${later.fence}`
}

function covers(lock: string, path: string, resource: string): boolean {
  const [scope = '', of] = lock.split(':')
  return of === resource && isBelow(path, scope)
}
