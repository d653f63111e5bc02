import type { LocksmithHost } from '../programs/locksmith.ts'
import type { World } from '../world.ts'
import { type Asked, parsed } from './asked.ts'
import { conflict } from './exclusive.ts'
import { onGrant, type StoredGrant } from './grants.ts'

interface Reply {
  readonly op: string
  readonly session: number
  readonly leaseMs: number
  readonly queued: readonly { readonly request: string }[]
}

interface Told {
  readonly session: number
  /** When it was told last that it waits, by a reply that renewed its lease. */
  readonly at: number
  readonly life: number
}

/**
 * Promise 13: first come, first served. Who was told its place in this life of Locksmith, and is in contact, is not overtaken
 * by somebody who asked clearly later for something that conflicts. Judged while messages keep to their usual time: how long
 * somebody has waited is known no better than that.
 */
export function judgeOrder(world: World, locksmith: LocksmithHost, asked: Asked): void {
  const { timeline, ttlMs, broker } = world
  const waiting = new Map<string, Told>()
  /** They do not want to wait, and may be queued for a moment by a heartbeat that comes first. */
  const impatient = new Set<string>()
  const locksOf = new Map<string, readonly string[]>()
  const forget = (session: number): void => {
    for (const [request, told] of waiting) if (told.session === session) waiting.delete(request)
  }
  const life = (): number => locksmith.host.lives
  locksmith.onRequest.push((text) => {
    const message = /^{"op":"(acquire|release|goodbye)"/.test(text) ? parsed(text) : undefined
    if (message === undefined) return
    const { op, session, request, locks, wait } = message
    if (op === 'acquire') locksOf.set(request, locks)
    if (op === 'goodbye') forget(session)
    if (op === 'acquire' && !wait) impatient.add(request)
    if (op === 'release' || impatient.has(request)) waiting.delete(request)
  })
  locksmith.onReply.push((text) => {
    if (!text.includes('"queued":[')) return
    const { op, session, leaseMs, queued } = JSON.parse(text) as Reply
    if (op !== 'heartbeat') return
    forget(session)
    if (leaseMs <= 0) return
    for (const { request } of queued)
      if (!impatient.has(request)) waiting.set(request, { session, at: timeline.now, life: life() })
  })
  const overtaken = ({ request, session, locks }: StoredGrant): string | undefined => {
    const cameAt = asked.since(session, request) ?? 0
    for (const [other, told] of waiting) {
      const earlier = (asked.since(told.session, other) ?? timeline.now) < cameAt - ttlMs / 3
      if (told.session === session || !earlier || told.life !== life() || timeline.now - told.at > ttlMs / 2)
        continue
      if (!world.register.isAlive(told.session) || !asked.stillWants(told.session, other)) continue
      const clash = locks.some(({ lock }) => locksOf.get(other)?.some((one) => conflict(one, lock)))
      if (clash) return other
    }
    return undefined
  }
  // A newer session of that agent has taken its place in every sense but this one.
  locksmith.onCommit.push((changes) => {
    for (const { kind, value } of changes) {
      const one = value as { readonly session: number; readonly replacedBy: number | null } | undefined
      if (kind === 'session' && one !== undefined && one.replacedBy !== null) forget(one.session)
    }
  })
  onGrant(locksmith, (grant) => {
    waiting.delete(grant.request)
    // What comes while Locksmith is stopped seems to have waited less.
    const stopped = locksmith.host.life?.stops !== 0
    if (!grant.isNew || !locksmith.serving || stopped || broker.weather.late > 0) return
    const other = overtaken(grant)
    if (other === undefined) return
    const what = grant.locks.map(({ lock, fence }) => `${lock} (fence ${fence})`).join(', ')
    const wanted = locksOf.get(other)?.join(', ')
    world.violate(
      13,
      `${what} was granted to ${grant.name}, though request ${other} has waited longer for ${wanted}`
    )
  })
}
