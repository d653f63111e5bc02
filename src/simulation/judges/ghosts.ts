import type { LocksmithHost } from '../programs/locksmith.ts'
import type { World } from '../world.ts'

interface StoredLock {
  readonly name: string
  readonly state: 'free' | 'held' | 'orphaned'
  readonly fence: number
  readonly owner: { readonly name: string; readonly session: number } | null
}

/** What is known of a lock whose owner is gone. */
interface Ghost {
  readonly fence: number
  /** Its owner is dead or stopped, and its last message has arrived. */
  since: number
  /** By when a Locksmith that starts again and again must have noticed. */
  noticedAt: number | undefined
}

const SLACK_MS = 1000

/**
 * Promise 6: the lock of an owner that is gone is free within ttl + lockDelay + 1 s of Locksmith and broker running without a
 * break. A mark that was set by an earlier start of Locksmith leaves the owner one ttl more; and since marks count from the
 * first start, a Locksmith that starts again and again comes to an end with it as well.
 */
export function judgeGhosts(world: World, locksmith: LocksmithHost): () => void {
  const { ttlMs, policy, timeline, register, broker } = world
  const busy = new Map<string, StoredLock>()
  const ghosts = new Map<string, Ghost>()
  const bound = ttlMs + policy.lockDelayMs + SLACK_MS
  let runningSince = Number.POSITIVE_INFINITY
  let goOnAt = 0

  let quietUntil = 0

  const store = (key: string, lock: StoredLock | undefined): void => {
    if (lock === undefined || lock.state === 'free') busy.delete(key)
    else busy.set(key, lock)
    if (ghosts.get(key)?.fence !== busy.get(key)?.fence) ghosts.delete(key)
  }
  locksmith.onCommit.push((changes) => {
    for (const { kind, key, value } of changes) {
      if (kind === 'lock') store(key, value as StoredLock | undefined)
      if (kind === 'meta') beQuiet((value as { readonly quietUntil: number }).quietUntil)
    }
  })
  /** Locksmith has found that its store lost grants: nothing is freed in the quiet time, and all delays begin after it. */
  const beQuiet = (until: number): void => {
    if (until === quietUntil) return
    quietUntil = until
    goOnAt = timeline.now + 2 * ttlMs
    for (const ghost of ghosts.values()) ghost.noticedAt = undefined
  }
  locksmith.onRestore.push(() => {
    busy.clear()
    ghosts.clear()
    for (const { kind, key, value } of locksmith.disk.rows.values()) {
      if (kind === 'lock') store(key, value as StoredLock)
      if (kind === 'meta') quietUntil = (value as { readonly quietUntil: number }).quietUntil
    }
    locksmith.starts.length = 0
    goOnAt = timeline.now + 2 * ttlMs
  })

  locksmith.onReboot.push(() => {
    for (const ghost of ghosts.values()) ghost.noticedAt = undefined
  })

  const look = (lock: StoredLock): void => {
    const now = timeline.now
    const session = lock.owner?.session ?? -1
    if (register.isAlive(session)) return void ghosts.delete(lock.name)
    const ghost = ghosts.get(lock.name) ?? { fence: lock.fence, since: now, noticedAt: undefined }
    const heard = locksmith.lastHeard.get(session) ?? 0
    ghost.since = Math.max(ghost.since, heard)
    ghosts.set(lock.name, ghost)
    // Two starts since it was heard: its mark is of an earlier one.
    const starts = locksmith.starts.filter((at) => at > heard - 2 * ttlMs)
    const extra = starts.length > 1 ? ttlMs : 0
    const open = now > goOnAt && now - runningSince > ttlMs / 3 + SLACK_MS
    const first = starts.find((at) => at > ghost.since)
    if (open && first !== undefined && now > first + ttlMs) ghost.noticedAt ??= now
    const stays = now - Math.max(ghost.since, runningSince, goOnAt) > bound + extra
    const returns = open && ghost.noticedAt !== undefined && now > ghost.noticedAt + bound + ttlMs
    if (stays || returns) tell(lock, now - ghost.since)
  }

  const tell = ({ name, state, fence, owner }: StoredLock, goneMs: number): void => {
    const gone = `${owner?.name} has been gone for ${Math.round(goneMs)} ms`
    world.violate(6, `${name} (fence ${fence}) is still ${state}, though ${gone}`)
  }

  return () => {
    if (!locksmith.serving || !broker.up) runningSince = Number.POSITIVE_INFINITY
    else if (runningSince === Number.POSITIVE_INFINITY) runningSince = timeline.now
    for (const lock of busy.values()) look(lock)
  }
}
