import type { LocksmithHost } from '../programs/locksmith.ts'
import type { World } from '../world.ts'
import { onGrant } from './grants.ts'

interface StoredLock {
  readonly name: string
  readonly state: string
  readonly request: string | null
  readonly owner: { readonly session: number } | null
}

/** Promise 15: nobody holds and waits. A session that is granted a request holds nothing by another one. */
export function judgeWaits(world: World, locksmith: LocksmithHost): void {
  onGrant(locksmith, ({ request, session, name, locks, isNew }) => {
    if (!isNew) return
    for (const { kind, value } of locksmith.disk.rows.values()) {
      const lock = value as StoredLock
      if (kind !== 'lock' || lock.state !== 'held' || lock.owner?.session !== session) continue
      if (lock.request === request) continue
      const what = locks.map(({ lock: granted }) => granted).join(', ')
      world.violate(15, `${what} was granted to ${name}, which held ${lock.name} by another request`)
    }
  })
}
