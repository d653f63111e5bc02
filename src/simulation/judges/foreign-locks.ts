import type { Lock } from '../../rules/fleet.ts'
import type { Device } from '../device/device.ts'
import type { LocksmithHost } from '../programs/locksmith.ts'

/** The place of an answer in the order of things. */
interface Heard {
  readonly term: number
  readonly rev: number
}

/** Of a device and what its agent has heard last: the locks of others that cover it by Locksmith's store, and were granted before that was said. */
export function foreignLocksOf(locksmith: LocksmithHost): (device: Device, heard: Heard) => readonly Lock[] {
  const grants = new Map<number, Heard>()
  locksmith.onCommit.push((changes) => {
    for (const { kind, value } of changes) {
      const lock = value as Lock | undefined
      if (kind === 'lock' && lock !== undefined && !grants.has(lock.fence))
        grants.set(lock.fence, { term: lock.term, rev: lock.rev })
    }
  })
  // What others have granted meanwhile, or an older store says, is not in the answers that were heard.
  locksmith.onRestore.push(() => grants.clear())
  return (device, heard) =>
    [...locksmith.disk.rows.values()].flatMap(({ kind, value }) => {
      const lock = value as Lock
      if (kind !== 'lock' || lock.state === 'free' || !device.isUnder(lock.name)) return []
      if (lock.kind === 'agent' && lock.owner?.name === device.name) return []
      const grant = grants.get(lock.fence)
      return grant !== undefined && grant.term === heard.term && grant.rev <= heard.rev ? [lock] : []
    })
}
