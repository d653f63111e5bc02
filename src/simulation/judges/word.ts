import type { Board } from '../device/board.ts'
import type { Device } from '../device/device.ts'
import type { CommitChanges, LocksmithHost } from '../programs/locksmith.ts'
import type { World } from '../world.ts'

interface StoredLock {
  readonly name: string
  readonly state: string
  readonly fence: number
  readonly owner: { readonly name: string } | null
  readonly kind: string | null
  readonly term: number
  readonly rev: number
}

/** How long a request to a controller may be repeated: what is heard in between is obeyed next. */
const UNDER_WAY_MS = 5000

/**
 * Promise 25: a hold of a device falls only on the word of one who can know. A controller is not set going under a lock of
 * somebody else that Locksmith's store has as taken, and had when it gave the last answer that the agent has heard. Devices
 * that resume by a rule of their own are not judged.
 */
export function judgeWord(world: World, locksmith: LocksmithHost, devices: readonly Device[]): void {
  const grants = new Map<number, { readonly term: number; readonly rev: number }>()
  locksmith.onCommit.push((changes: CommitChanges) => {
    for (const { kind, value } of changes) {
      const lock = value as StoredLock | undefined
      if (kind !== 'lock' || lock === undefined || grants.has(lock.fence)) continue
      grants.set(lock.fence, { term: lock.term, rev: lock.rev })
    }
  })
  // What others have granted meanwhile, or an older store says, is not in the answers that were heard.
  locksmith.onRestore.push(() => grants.clear())
  const coveringOf = (device: Device, heard: { term: number; rev: number }): StoredLock | undefined => {
    for (const { kind, value } of locksmith.disk.rows.values()) {
      const lock = value as StoredLock
      if (kind !== 'lock' || lock.state === 'free' || !device.isUnder(lock.name)) continue
      if (lock.kind === 'agent' && lock.owner?.name === device.name) continue
      const grant = grants.get(lock.fence)
      if (grant !== undefined && grant.term === heard.term && grant.rev <= heard.rev) return lock
    }
    return undefined
  }
  const latched = new Map<Board, boolean>()
  for (const device of devices) {
    if (device.profile.afterBudget !== 'stay') continue
    device.onBoard.push((board) => {
      const before = latched.get(board) ?? true
      latched.set(board, board.trace.paused)
      if (!before || board.trace.paused || locksmith.hasTwin) return
      const heard = device.heardBefore(board.spokenAt - UNDER_WAY_MS)
      const lock = heard && coveringOf(device, heard)
      if (lock === undefined) return
      const what = `controller ${board.name} of ${device.name} was set going under ${lock.name}`
      world.violate(25, `${what} (fence ${lock.fence}) of ${lock.owner?.name}, of which its agent was told`)
    })
  }
}
