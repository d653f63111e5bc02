import type { Device } from '../device/device.ts'
import type { World } from '../world.ts'

/**
 * Promise 4: nothing of a device moves while a change is in progress or unverified: while its journal is between the first
 * stage and the end of a change, or has one in doubt, and while any of its controllers has an unverified commit, or a staged
 * set beside another that moves.
 */
export function judgeMotion(world: World, devices: readonly Device[]): () => void {
  /** Of those in which something has changed. */
  const changed = new Set(devices)
  for (const device of devices) {
    device.onBoard.push(() => changed.add(device))
    device.onJournal.push(() => changed.add(device))
  }
  return () => {
    for (const device of changed) {
      changed.delete(device)
      const moving = device.boards.find((board) => board.trace.moving)
      if (moving === undefined) continue
      const why = whyStill(device)
      if (why !== undefined)
        world.violate(4, `controller ${moving.name} of ${device.name} moves, though ${why}`)
    }
  }
}

function whyStill({ journal, boards }: Device): string | undefined {
  if (!journal.behind && journal.isChanging) return `its change is at ${journal.step}`
  if (!journal.behind && journal.unverified.length > 0)
    return `${journal.unverified.join(', ')} is unverified`
  for (const { name, trace } of boards) {
    if (trace.unverified.length > 0)
      return `${name} has an unverified commit of ${trace.unverified.join(', ')}`
    if (trace.staged.length > 0) return `${name} has ${trace.staged.join(', ')} staged`
  }
  return undefined
}
