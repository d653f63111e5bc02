import type { LocksmithHost } from '../programs/locksmith.ts'
import type { Holder } from '../register.ts'
import type { World } from '../world.ts'
import type { Asked } from './asked.ts'
import { conflict } from './exclusive.ts'
import { onGrant } from './grants.ts'

/** Two clocks that each drift. */
const SLACK_MS = 10

/**
 * Promise 1, its second half: after an ending that the owner did not report, nothing is granted before the lease that it may
 * still have believed in, and lockDelay, have passed. Only tools are judged: what controllers enforce may make it nothing for
 * others.
 */
export function judgeDelay(world: World, locksmith: LocksmithHost, asked: Asked): () => void {
  const { timeline, policy, register } = world
  /** Until when each owner believed that it holds, at the latest. In the time of the world. */
  const validUntil = new Map<Holder, number>()
  const sessionOf = new Map<string, number>()
  const isTool = ({ life }: Holder): boolean =>
    world.hosts.some(({ name, kind }) => name === life.host && kind === 'tool')
  const look = (lock: string, by: string): void => {
    for (const [holder, until] of validUntil) {
      const earlier = holder.grant.locks.find((one) => conflict(one.lock, lock))
      if (earlier === undefined || timeline.now + SLACK_MS >= until + policy.lockDelayMs) continue
      if (!isTool(holder)) continue
      const { request } = holder.grant
      if (asked.hasStopped(sessionOf.get(request) ?? 0, request)) continue
      const early = Math.round(until + policy.lockDelayMs - timeline.now)
      const what = `${lock} was granted to ${by} ${early} ms before lease and lockDelay of ${holder.name}`
      world.violate(1, `${what} have passed, which had ${earlier.lock} and has not said that it stopped`)
    }
  }
  onGrant(locksmith, ({ request, session, name, locks, isNew }) => {
    sessionOf.set(request, session)
    if (isNew) for (const { lock } of locks) look(lock, name)
  })
  return () => {
    for (const holder of register.holders) {
      const leftMs = holder.grant.leftMs()
      if (leftMs > 0) validUntil.set(holder, timeline.now + leftMs)
    }
    const old = timeline.now - policy.lockDelayMs - 1000
    for (const [holder, until] of validUntil) if (until < old) validUntil.delete(holder)
  }
}
