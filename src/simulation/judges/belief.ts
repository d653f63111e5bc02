import type { LocksmithHost } from '../programs/locksmith.ts'
import type { World } from '../world.ts'

interface StoredGrant {
  readonly locks: readonly { readonly lock: string; readonly fence: number }[]
  readonly ended: unknown
}

const LOOK_EVERY_MS = 20
/** Two clocks that each drift, and a look that comes a little later. */
const SLACK_MS = 50

/**
 * Promise 8, as owners see it: what they believe to hold was granted by a store, and ended there no longer than a lease ago. An
 * answer that was lost, late or repeated gives nobody more.
 */
export function judgeBelief(world: World, locksmith: LocksmithHost): () => void {
  const { timeline, ttlMs, register } = world
  const granted = new Set<string>()
  const endedAt = new Map<string, number>()
  const nameOf = ({ lock, fence }: { lock: string; fence: number }): string => `${lock} (fence ${fence})`
  const take = (changes: Parameters<LocksmithHost['onCommit'][number]>[0], isFirst: boolean): void => {
    for (const { kind, value } of changes) {
      if (kind === 'grant' && value !== undefined)
        for (const one of (value as StoredGrant).locks) granted.add(nameOf(one))
      if (kind !== 'lock' || value === undefined || !isFirst) continue
      const lock = value as { readonly name: string; readonly state: string; readonly fence: number }
      const key = nameOf({ lock: lock.name, fence: lock.fence })
      if (lock.state !== 'held' && !endedAt.has(key)) endedAt.set(key, timeline.now)
    }
  }
  locksmith.onCommit.push((changes) => take(changes, true))
  locksmith.onTwinCommit.push((changes) => take(changes, false))
  // What ended in a store that is no more may go on in the older one.
  locksmith.onRestore.push(() => endedAt.clear())
  let lookedAt = 0
  return () => {
    const { now } = timeline
    if (now - lookedAt < LOOK_EVERY_MS) return
    lookedAt = now
    for (const { life, name, grant } of register.holders) {
      if (!life.running || grant.leftMs() <= 0) continue
      for (const one of grant.locks) {
        const what = nameOf(one)
        if (!granted.has(what))
          world.violate(8, `${name} believes to have ${what}, which no store has granted`)
        const agoMs = now - (endedAt.get(what) ?? now)
        if (agoMs > ttlMs + SLACK_MS)
          world.violate(8, `${name} believes to have ${what}, which ended ${Math.round(agoMs)} ms ago`)
      }
    }
  }
}
