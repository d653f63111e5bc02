import type { Board, Cause } from '../device/board.ts'
import type { Device } from '../device/device.ts'
import type { World } from '../world.ts'

/**
 * Promise 5: silence, a corrupt frame, a replay, a reboot of either side never starts motion. Judged in the controller's own
 * memory: its latch opens in no other moment than when it hears something new and unharmed from its host.
 */
export function judgeOnset(world: World, devices: readonly Device[]): void {
  const latched = new Map<Board, boolean>()
  for (const device of devices) {
    device.onBoard.push((board) => {
      const before = latched.get(board) ?? true
      const { paused } = board.trace
      latched.set(board, paused)
      if (!before || paused || mayBegin(board.cause)) return
      world.violate(5, `controller ${board.name} of ${device.host.name} was set going, though ${board.cause}`)
    })
  }
}

const mayBegin = (cause: Cause): boolean => cause === 'its host spoke'
