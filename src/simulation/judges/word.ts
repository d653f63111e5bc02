import type { Board } from '../device/board.ts'
import type { Device } from '../device/device.ts'
import type { LocksmithHost } from '../programs/locksmith.ts'
import type { World } from '../world.ts'
import { foreignLocksOf } from './foreign-locks.ts'

/** How long a request to a controller may be repeated: what is heard in between is obeyed next. */
const UNDER_WAY_MS = 5000

/**
 * Promise 25: a hold of a device falls only on the word of one who can know. A controller is not set going under a lock of
 * somebody else that Locksmith's store has as taken, and had when it gave the last answer that the agent has heard. Devices
 * that resume by a rule of their own are not judged.
 */
export function judgeWord(world: World, locksmith: LocksmithHost, devices: readonly Device[]): void {
  const foreignLocks = foreignLocksOf(locksmith)
  const latched = new Map<Board, boolean>()
  for (const device of devices) {
    if (device.profile.afterBudget !== 'stay') continue
    device.onBoard.push((board) => {
      const before = latched.get(board) ?? true
      latched.set(board, board.trace.paused)
      if (!before || board.trace.paused || locksmith.hasTwin) return
      const heard = device.heardBefore(board.spokenAt - UNDER_WAY_MS)
      const [lock] = heard === undefined ? [] : foreignLocks(device, heard)
      if (lock === undefined) return
      const what = `controller ${board.name} of ${device.name} was set going under ${lock.name}`
      world.violate(25, `${what} (fence ${lock.fence}) of ${lock.owner?.name}, of which its agent was told`)
    })
  }
}
