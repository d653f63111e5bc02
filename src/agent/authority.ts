import type { FleetSession, Truth } from '../client/types.ts'
import type { Clock } from '../platform/clock.ts'
import { LocksmithError } from '../protocol/errors.ts'
import type { LockRecord } from '../protocol/messages.ts'
import { usableMs } from '../rules/drift.ts'
import type { LockFence } from '../rules/fleet.ts'
import { covers, lockName, parseLock } from '../rules/scope.ts'
import type { Feed } from './feed.ts'

/** The right to change: a lock of one's own, or the wide lock of a push that covers the device. */
export interface Authority extends LockFence {
  /** Milliseconds in which a step may still be begun. Judged at each call, so it is right also after a stall. */
  readonly leftMs: () => number
  readonly lost: AbortSignal
  /** What the owner is doing, for everybody to see. */
  readonly phase: (text: string) => void
  /** Says that nothing more is done under it. Bounded; never rejects. */
  readonly end: () => Promise<void>
}

export interface OwnLock {
  readonly device: string
  readonly resource: string
  readonly reason: string
  readonly signal: AbortSignal
}

/** Waits for the device's own lock. @throws LocksmithError of the refusal, or LK-1007 when `signal` aborts */
export async function ownLock(session: FleetSession, own: OwnLock): Promise<Authority> {
  const lock = lockName({ scope: own.device, resource: own.resource })
  const { reason, signal } = own
  const grant = await session.acquire({ locks: [lock], reason, wait: true, phase: 'granted', signal })
  return {
    lock,
    fence: grant.fence(lock),
    leftMs: grant.leftMs,
    lost: grant.lost,
    phase: grant.setPhase,
    end: grant.release
  }
}

/** What is heard of the fleet's locks, as it comes. */
export interface Heard {
  readonly truths: Feed<Truth>
  readonly records: Feed<LockRecord>
}

export interface WideLock {
  readonly session: FleetSession
  readonly heard: Heard
  readonly clock: Clock
  readonly device: string
  readonly resource: string
  readonly under: LockFence
  /** The smallest fence still good for the resource, as far as is known. */
  readonly floor: () => number
}

const TRIES = 3

/**
 * The push's wide lock, believed only when a heartbeat sent from now on is answered by a renewing reply that lists it as held
 * by that very fence. The lease is that entry's, counted from the heartbeat's sending; later replies lengthen it or end it.
 *
 * @throws LocksmithError LK-1013 (covers something else), LK-1011 (old fence), LK-1012 (not held), LK-6001, LK-6002
 */
export async function wideLock(wide: WideLock): Promise<Authority> {
  const { under, clock, session, heard } = wide
  const path = parseLock(under.lock)
  if (path === undefined || path.resource !== wide.resource || !covers(path.scope, wide.device)) {
    throw new LocksmithError('LK-1013', `${under.lock} does not cover ${wide.device}:${wide.resource}`)
  }
  const truth = await renewingTruth(session)
  refuseOldFence(wide)
  const until = leaseUntil(truth, under)
  if (until === undefined) {
    throw new LocksmithError(
      'LK-1012',
      `${under.lock} is not held under fence ${under.fence}, as Locksmith answered now`
    )
  }
  return follow(heard, { under, clock, until })
}

async function renewingTruth(session: FleetSession): Promise<Truth> {
  for (let tried = 1; tried <= TRIES; tried += 1) {
    const truth = await session.refresh()
    if (truth.reply.leaseMs > 0) return truth
  }
  throw new LocksmithError('LK-2003', 'Locksmith answers, but does not renew the lease of this agent')
}

function refuseOldFence({ under, floor }: WideLock): void {
  if (under.fence < floor()) {
    throw new LocksmithError(
      'LK-1011',
      `fence ${under.fence} of ${under.lock} is old: the floor is ${floor()}`
    )
  }
}

/** Until when the holder of that fence has its lease; undefined when the reply does not list it as held. */
function leaseUntil({ reply, sentAt }: Truth, { lock, fence }: LockFence): number | undefined {
  const held = reply.covering.find((one) => one.lock === lock && one.fence === fence && one.state === 'held')
  return held === undefined ? undefined : sentAt + usableMs(held.leaseLeftMs)
}

function follow(
  heard: Heard,
  { under, clock, until: first }: { under: LockFence; clock: Clock; until: number }
): Authority {
  const ended = new AbortController()
  let until = first
  const lose = (why: string): void => ended.abort(new LocksmithError('LK-1016', `${under.lock}: ${why}`))
  const leftMs = (): number => {
    if (ended.signal.aborted) return 0
    const left = until - clock.now()
    if (left <= 0) lose('the lease of its holder ran out')
    return Math.max(0, left)
  }
  const stop = [
    heard.truths.listen((truth) => {
      if (truth.reply.leaseMs <= 0) return
      const renewed = leaseUntil(truth, under)
      if (renewed === undefined) lose('its grant has ended')
      else until = Math.max(until, renewed)
    }),
    heard.records.listen((record) => {
      if (record.lock === under.lock && record.floor > under.fence) lose('its grant has ended')
    })
  ]
  return {
    ...under,
    leftMs,
    lost: ended.signal,
    phase: () => undefined,
    end: async () => {
      for (const end of stop) end()
    }
  }
}
