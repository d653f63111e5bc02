import type { Board } from '../device/board.ts'
import type { Device } from '../device/device.ts'
import type { LocksmithHost } from '../programs/locksmith.ts'
import type { World } from '../world.ts'
import { foreignLocksOf } from './foreign-locks.ts'

/** In this time a controller obeys, and what goes wrong on the way is tried again. */
const SLACK_MS = 3000

/**
 * Promise 11: a bypass waives only what it saw. A device whose line is well does not go on moving under a grant of somebody else
 * of which its agent was told, unless its own audit says that just this grant was overridden.
 */
export function judgeBypass(world: World, locksmith: LocksmithHost, devices: readonly Device[]): void {
  const { timeline } = world
  const foreignLocks = foreignLocksOf(locksmith)
  const overridden = (device: Device, fence: number): boolean =>
    (device.disk.read('/state/audit.jsonl') ?? '').includes(`"fence":${fence}}`)
  /** Since when it has moved, and nothing was in the way of its obeying. */
  const movesSince = new Map<Board, number>()
  const look = (device: Device, board: Board): void => {
    const { noise, mute, deaf } = board.trouble
    const { disk, host } = device
    const takes = disk.trouble.refuses === undefined && disk.trouble.writeMs === 0
    const well = host.life?.running === true && board.plugged && noise === 0 && !mute && !deaf && takes
    if (!well || board.trace.paused || locksmith.hasTwin) movesSince.delete(board)
    else if (!movesSince.has(board)) movesSince.set(board, timeline.now)
    const ms = timeline.now - (movesSince.get(board) ?? timeline.now)
    if (ms < SLACK_MS) return
    const heard = device.heardBefore(timeline.now - SLACK_MS)
    for (const { name, fence, owner } of heard === undefined ? [] : foreignLocks(device, heard)) {
      if (overridden(device, fence)) continue
      const what = `controller ${board.name} of ${device.name} goes on moving under ${name}`
      world.violate(11, `${what} (fence ${fence}) of ${owner?.name}, which no bypass has seen`)
    }
  }
  for (const device of devices)
    if (device.profile.afterBudget !== 'stay') device.onBoard.push((board) => look(device, board))
}
