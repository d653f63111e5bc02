import { isBelievable, raiseFences } from './continuity.ts'
import type { Fleet, Lock, PushDevice } from './fleet.ts'
import { putLock } from './lock.ts'
import { LOST_GRANT_DELAY_MS } from './opening.ts'
import { contactOf } from './request.ts'

/**
 * The start check. Every stored lock is marked `unheard`, durably; the owner's first heartbeat clears the mark. A lock whose
 * mark is one ttl old is orphaned, counted from the first start that set it.
 */
export interface StartFacts {
  /** The machine was rebooted since the store was written: its moments are of another clock. */
  readonly rebooted: boolean
  /** The highest granted fence that the fence file, the old `status` or a retained record tell of. */
  readonly knownFence: number
  /** The highest upper bound of reserved fences that any of them tells of. */
  readonly knownLimit: number
  readonly knownTerm: number
  /** The broker retains no `status` of this fleet and the fence file is empty, though every start of Locksmith writes both. */
  readonly noWitness?: boolean
  /** What a store without a name is called from now on. */
  readonly instance?: string
}

export function start(fleet: Fleet, told: StartFacts, now: number): void {
  const { meta } = fleet
  const facts = believed(fleet, told)
  const limit = Math.max(meta.fenceLimit, facts.knownLimit, facts.knownFence + 1)
  const forgotten = facts.noWitness === true && meta.term > 0
  const quietAnew = forgotten || (facts.rebooted && meta.quietUntil > 0)
  const quietUntil = quietAnew ? now + fleet.options.ttlMs : meta.quietUntil
  fleet.meta = {
    ...meta,
    term: Math.max(meta.term, facts.knownTerm) + 1,
    fenceNext: limit,
    fenceLimit: limit,
    quietUntil,
    ...withInstance(meta.instance ?? told.instance)
  }
  const marked: string[] = []
  for (const lock of [...fleet.locks.values()]) {
    if (lock.state === 'free') continue
    fleet.busy.put(lock.name, lock)
    const times = facts.rebooted ? rebased(lock, fleet.options.ttlMs, now) : lock
    const unheard =
      lock.state === 'held'
        ? ((facts.rebooted ? null : lock.unheard) ?? { since: now, term: fleet.meta.term })
        : null
    putLock(fleet, { ...times, unheard })
    marked.push(lock.name)
  }
  if (facts.rebooted) ageAnew(fleet, now)
  startContacts(fleet, now)
  fleet.log('info', 'reclaim stale locks on boot', {
    marked,
    ttlMs: fleet.options.ttlMs,
    term: fleet.meta.term
  })
  if (forgotten) noteForgotten(fleet)
  if (facts.knownFence > meta.fenceHigh)
    raiseFences(fleet, { known: facts.knownFence, by: 'start check' }, now)
}

/**
 * Whether this store is the newest cannot be told without file and broker: a grant that it does not know of may be held. Its
 * owner speaks up within the quiet time, or its lease is over by the end of it.
 */
function noteForgotten(fleet: Fleet): void {
  fleet.log('warn', 'no-witness', {
    why: 'the broker retains nothing of this fleet and the fence file is gone, though the store is not new: living owners are the only witnesses of what may be lost',
    quietMs: fleet.options.ttlMs + LOST_GRANT_DELAY_MS
  })
}

const withInstance = (instance: string | undefined): { instance?: string } =>
  instance === undefined ? {} : { instance }

type Times = Pick<Lock, 'grantedAt' | 'orphan' | 'clearing'>

/** After a reboot the clock began anew: what had begun counts from now, an orphan waits one full ttl. */
function rebased<T extends Times>(lock: T, ttlMs: number, now: number): T {
  const { orphan } = lock
  const clearing = lock.clearing === null ? null : { ...lock.clearing, at: now }
  if (orphan === null) return { ...lock, grantedAt: now, clearing }
  const wait = orphan.freeAt === null ? null : orphan.freeAt - orphan.leaseUntil
  const leaseUntil = now + ttlMs
  return {
    ...lock,
    grantedAt: now,
    orphan: { ...orphan, at: now, leaseUntil, freeAt: wait === null ? null : leaseUntil + wait }
  }
}

/** What others retain counts only where it can be true: a hostile number must not use the fences up. */
function believed(fleet: Fleet, facts: StartFacts): StartFacts {
  const { fenceHigh, term } = fleet.meta
  const known: { -readonly [Name in keyof StartFacts]: StartFacts[Name] } = { ...facts }
  const limits = [
    ['knownFence', fenceHigh],
    ['knownLimit', fenceHigh],
    ['knownTerm', term]
  ] as const
  for (const [what, stored] of limits) {
    if (isBelievable(known[what], stored)) continue
    fleet.log('error', 'unbelievable-fence', { from: 'start check', [what]: known[what], stored })
    known[what] = 0
  }
  return known
}

/** What is kept for a while is kept for a while from now on. */
function ageAnew(fleet: Fleet, now: number): void {
  for (const grant of [...fleet.grants.values()]) {
    if (grant.ended !== null)
      fleet.grants.put(grant.request, { ...grant, ended: { ...grant.ended, at: now } })
  }
  for (const { startedAt: _ofAnotherClock, ...push } of [...fleet.pushes.values()])
    fleet.pushes.put(push.id, { ...push, devices: push.devices.map(withoutMoment), endedAt: now })
  for (const done of [...fleet.operations.values()])
    fleet.operations.put(done.operation, { ...done, at: now, freeAt: done.freeAt === null ? null : now })
}

const withoutMoment = ({ watched: _ofAnotherClock, ...device }: PushDevice): PushDevice => device

/** Every session that the store knows may still believe in a lease for one ttl. */
function startContacts(fleet: Fleet, now: number): void {
  for (const session of fleet.sessions.values()) {
    fleet.contacts.put(String(session.session), contactOf(fleet, session, now))
  }
}

/** Takes a new block of fences; the shell has made its upper bound durable outside the store. */
export function reserveFences(fleet: Fleet, limit: number): void {
  if (limit > fleet.meta.fenceLimit) fleet.meta = { ...fleet.meta, fenceLimit: limit }
}

/** Takes a block back whose bound could not be made durable outside the store. */
export function withholdFences(fleet: Fleet, limit: number): void {
  fleet.meta = { ...fleet.meta, fenceLimit: limit }
}

/** The broker was reached: from now on others can be heard. */
export function listening(fleet: Fleet, now: number): void {
  fleet.listeningSince = now
  if (fleet.opensAt === Number.POSITIVE_INFINITY) fleet.opensAt = now + fleet.options.ttlMs / 3
}

export function deaf(fleet: Fleet): void {
  fleet.listeningSince = Number.POSITIVE_INFINITY
}
