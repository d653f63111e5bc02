import type { Board } from '../device/board.ts'
import type { Device } from '../device/device.ts'
import type { World } from '../world.ts'

/**
 * Promise 5, the agent's side: its reboot starts no motion. No controller is set going by an agent to which nobody has spoken in
 * this life. Devices that resume by a rule of their own are not judged.
 */
export function judgeBoot(world: World, devices: readonly Device[]): void {
  const latched = new Map<Board, boolean>()
  for (const device of devices) {
    if (device.profile.afterBudget !== 'stay') continue
    device.onBoard.push((board) => {
      const before = latched.get(board) ?? true
      latched.set(board, board.trace.paused)
      const { life } = device.host
      if (!before || board.trace.paused || life === undefined || world.register.hasHeard(life)) return
      world.violate(
        5,
        `controller ${board.name} of ${device.host.name} was set going by an agent that nobody has spoken to`
      )
    })
  }
}
