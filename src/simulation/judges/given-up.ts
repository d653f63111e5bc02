import type { LocksmithHost } from '../programs/locksmith.ts'
import type { World } from '../world.ts'
import type { Asked } from './asked.ts'
import { onGrant, type StoredGrant } from './grants.ts'

/** A store that refuses for a moment, or a batch that has not ended. */
const SLACK_MS = 1000

/**
 * Promise 8: nobody is granted by a lost, late or repeated message. What the newest heartbeat of a session leaves out, and was
 * not asked for since, is not wanted any more: it is not granted, and what was granted comes back.
 */
export function judgeGivenUp(world: World, locksmith: LocksmithHost, asked: Asked): () => void {
  const held = new Map<string, StoredGrant>()
  /** Since when it could have listened and stored. */
  let runningSince = 0
  const what = ({ locks }: StoredGrant): string =>
    locks.map(({ lock, fence }) => `${lock} (fence ${fence})`).join(', ')
  onGrant(locksmith, (grant) => {
    const { request, session, name, locks, isNew } = grant
    if (locks.length === 0) held.delete(request)
    else held.set(request, grant)
    const { heartbeat, acquired } = asked.newest(session, request)
    if (!isNew || heartbeat === undefined || acquired > heartbeat.seq) return
    const named = heartbeat.asks.find((ask) => ask.request === request)
    if (named !== undefined && named.over !== true) return
    world.violate(8, `${what(grant)} was granted to ${name}, which had given request ${request} up before`)
  })
  locksmith.onRestore.push(() => held.clear())
  return () => {
    const { now } = world.timeline
    if (!locksmith.serving) runningSince = now
    for (const grant of held.values()) {
      const { request, session, name } = grant
      const { heartbeat, acquired } = asked.newest(session, request)
      if (heartbeat === undefined || acquired > heartbeat.seq) continue
      if (heartbeat.asks.some((ask) => ask.request === request)) continue
      const sinceMs = now - Math.max(heartbeat.at, runningSince)
      if (sinceMs <= SLACK_MS || heartbeat.at <= runningSince) continue
      world.violate(
        8,
        `${what(grant)} is still with ${name}, whose heartbeat has left request ${request} out`
      )
    }
  }
}
