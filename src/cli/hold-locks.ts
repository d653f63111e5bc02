import { type FleetSession, type Grant, openSession } from '../client/index.ts'
import { formatDuration } from '../protocol/duration.ts'
import { LocksmithError } from '../protocol/errors.ts'
import type { WireBlocker } from '../protocol/messages.ts'
import type { SessionKind } from '../rules/fleet.ts'
import type { FleetAccess } from './connect.ts'
import { waitForStandstill } from './standstill.ts'
import { blockedBy } from './words.ts'

export interface HoldPlan {
  readonly kind: Exclude<SessionKind, 'agent'>
  readonly locks: readonly string[]
  readonly reason: string | undefined
  /** False: granted at once or not at all. */
  readonly wait: boolean
  /** How long to wait, for the grant and for standstill together; undefined = as long as it takes. */
  readonly waitMs: number | undefined
  readonly standstill: boolean
  /** Aborted: give up, or end. */
  readonly stop: AbortSignal
  readonly note: (text: string) => void
}

export interface Held {
  readonly session: FleetSession
  readonly grant: Grant
}

/** Says hello in the fleet; contact within one round trip, or LK-6001 or LK-6002. */
export async function beginSession(
  fleet: FleetAccess,
  kind: HoldPlan['kind'],
  note: (text: string) => void
): Promise<FleetSession> {
  const { connection, clock, random, boot } = fleet
  const session = openSession({
    kind,
    device: null,
    boot,
    connection,
    clock,
    random,
    onNews: (news) => news.forEach(note),
    onTrouble: (code, message) => note(`${code} ${message}`)
  })
  await session.contact(fleet.timeoutMs)
  return session
}

/**
 * Asks for locks and waits as the plan says. What it throws: LK-1001 when they were not granted in time or it was stopped
 * before, or the refusal.
 */
export async function takeLocks(fleet: FleetAccess, session: FleetSession, plan: HoldPlan): Promise<Grant> {
  const limit = new AbortController()
  const limitMs = plan.wait ? plan.waitMs : fleet.timeoutMs
  const timer = limitMs === undefined ? undefined : fleet.clock.after(limitMs, () => limit.abort())
  const signal = AbortSignal.any([plan.stop, limit.signal])
  let blockers: readonly WireBlocker[] = []
  try {
    const grant = await session.acquire({
      locks: plan.locks,
      wait: plan.wait,
      signal,
      ...(plan.reason === undefined ? {} : { reason: plan.reason }),
      ...(plan.standstill ? { phase: 'waiting-for-standstill' } : {}),
      onQueued: (place, ahead) => {
        blockers = ahead
        plan.note(`waiting at place ${place}: ${blockedBy(ahead)}`)
      }
    })
    if (plan.standstill) await waitForStandstill(fleet, grant, signal, plan.note)
    return grant
  } catch (error) {
    if (plan.stop.aborted) throw notGranted(`${plan.stop.reason} came before it was granted`)
    if (!limit.signal.aborted) throw error
    if (!plan.wait) throw new LocksmithError('LK-6002', 'no answer to the request for the lock')
    throw notGranted(`not within ${formatDuration(limitMs ?? 0)}: ${blockedBy(blockers)}`)
  } finally {
    timer?.cancel()
  }
}

const notGranted = (why: string): LocksmithError =>
  new LocksmithError('LK-1001', why, 'Try again later, or see who holds it: locksmith why LOCK')

/**
 * Holds locks while `work` runs. Afterwards they are released and the session ends, within bounds, whatever happened; that is
 * also the owner's word that it has stopped, so `work` returns only when nothing more is done.
 */
export async function holdingLocks<T>(
  fleet: FleetAccess,
  plan: HoldPlan,
  work: (held: Held) => Promise<T>
): Promise<T> {
  const session = await beginSession(fleet, plan.kind, plan.note)
  try {
    const grant = await takeLocks(fleet, session, plan)
    const result = await work({ session, grant })
    await grant.release()
    return result
  } finally {
    await session.close()
  }
}

/** Throws LK-1016 unless the grant is good at this very moment. */
export function insistOnLease(grant: Grant): void {
  if (grant.leftMs() > 0) return
  throw grant.lost.reason instanceof LocksmithError
    ? grant.lost.reason
    : new LocksmithError('LK-1016', 'the lease ran out')
}
