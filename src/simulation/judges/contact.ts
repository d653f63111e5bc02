import type { LocksmithHost } from '../programs/locksmith.ts'
import type { World } from '../world.ts'

interface StoredLock {
  readonly name: string
  readonly state: 'free' | 'held' | 'orphaned'
  readonly fence: number
  readonly owner: { readonly name: string; readonly session: number } | null
}

const SLACK_MS = 1000

/**
 * Promise 16: only a line that works both ways is contact. An owner to which nothing comes through loses what it has, however
 * often it is heard itself: one ttl after the last reply that it heard no heartbeat renews any more, and one more the lease has
 * run out.
 */
export function judgeContact(world: World, locksmith: LocksmithHost): () => void {
  const { ttlMs, policy, timeline, register, broker } = world
  const busy = new Map<string, StoredLock>()
  const bound = 2 * ttlMs + policy.lockDelayMs + SLACK_MS
  let runningSince = Number.POSITIVE_INFINITY
  locksmith.onCommit.push((changes) => {
    for (const { kind, key, value } of changes) {
      if (kind !== 'lock') continue
      const lock = value as StoredLock | undefined
      if (lock === undefined || lock.state === 'free') busy.delete(key)
      else busy.set(key, lock)
    }
    // A raise of the fences puts everything off.
    if (changes.some(({ kind }) => kind === 'meta')) runningSince = timeline.now
  })
  locksmith.onRestore.push(() => busy.clear())
  return () => {
    if (!locksmith.serving || !broker.up) runningSince = Number.POSITIVE_INFINITY
    else if (runningSince === Number.POSITIVE_INFINITY) runningSince = timeline.now
    for (const { name, state, fence, owner } of busy.values()) {
      if (owner === null || !register.isAlive(owner.session)) continue
      const deafMs = timeline.now - Math.max(register.heardAt(owner.session), runningSince)
      if (deafMs <= bound) continue
      const what = `${name} (fence ${fence}) is still ${state}`
      world.violate(16, `${what}, though ${owner.name} has heard nothing for ${Math.round(deafMs)} ms`)
    }
  }
}
