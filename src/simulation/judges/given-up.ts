import type { LocksmithHost } from '../programs/locksmith.ts'
import type { World } from '../world.ts'
import type { Asked } from './asked.ts'
import { onGrant } from './grants.ts'

/**
 * Promise 8: nobody is granted by a lost, late or repeated message. What the newest heartbeat of a session leaves out, and was
 * not asked for since, is not wanted any more.
 */
export function judgeGivenUp(world: World, locksmith: LocksmithHost, asked: Asked): void {
  onGrant(locksmith, ({ request, session, name, locks, isNew }) => {
    const { heartbeat, acquired } = asked.newest(session, request)
    if (!isNew || heartbeat === undefined || acquired > heartbeat.seq) return
    const named = heartbeat.asks.find((ask) => ask.request === request)
    if (named !== undefined && named.over !== true) return
    const what = locks.map(({ lock, fence }) => `${lock} (fence ${fence})`).join(', ')
    world.violate(8, `${what} was granted to ${name}, which had given request ${request} up before`)
  })
}
