import type { Board } from '../device/board.ts'
import type { Device } from '../device/device.ts'
import type { LocksmithHost } from '../programs/locksmith.ts'
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

/** In this time a controller obeys, and what goes wrong on the way is tried again. */
const SLACK_MS = 3000

/**
 * Promise 11: a bypass waives only what it saw. A device whose line is well does not go on moving under a grant of somebody else
 * of which its agent was told, unless its own audit says that just this grant was overridden.
 */
export function judgeBypass(world: World, locksmith: LocksmithHost, devices: readonly Device[]): void {
  const { timeline } = world
  const grants = new Map<number, { readonly term: number; readonly rev: number }>()
  locksmith.onCommit.push((changes) => {
    for (const { kind, value } of changes) {
      const lock = value as StoredLock | undefined
      if (kind === 'lock' && lock !== undefined && !grants.has(lock.fence))
        grants.set(lock.fence, { term: lock.term, rev: lock.rev })
    }
  })
  locksmith.onRestore.push(() => grants.clear())
  const overridden = (device: Device, fence: number): boolean =>
    (device.disk.read('/state/audit.jsonl') ?? '').includes(`"fence":${fence}}`)
  const covering = (device: Device): readonly StoredLock[] =>
    [...locksmith.disk.rows.values()].flatMap(({ kind, value }) => {
      const lock = value as StoredLock
      if (kind !== 'lock' || lock.state === 'free' || !device.isUnder(lock.name)) return []
      return lock.kind === 'agent' && lock.owner?.name === device.name ? [] : [lock]
    })
  const isTold = (device: Device, fence: number): boolean => {
    const heard = device.heardBefore(timeline.now - SLACK_MS)
    const grant = grants.get(fence)
    return heard !== undefined && heard.term === grant?.term && grant.rev <= heard.rev
  }
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
    for (const { name, fence, owner } of covering(device)) {
      if (!isTold(device, fence) || overridden(device, fence)) continue
      const what = `controller ${board.name} of ${device.name} goes on moving under ${name}`
      world.violate(11, `${what} (fence ${fence}) of ${owner?.name}, which no bypass has seen`)
    }
  }
  for (const device of devices)
    if (device.profile.afterBudget !== 'stay') device.onBoard.push((board) => look(device, board))
}
