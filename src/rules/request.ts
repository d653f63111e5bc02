import { anyConflict } from './conflicts.ts'
import type { Contact, Fleet, Lock, Session, Waiter } from './fleet.ts'
import { giveBack } from './lock.ts'
import { grantsFrom, openingAfter } from './opening.ts'
import { blockersOf, hasLease, placeOf, removeWaiter, serveQueue, waitersOf } from './queue.ts'
import type { Refusal } from './refusals.ts'
import { parseLock, scopesAbove } from './scope.ts'
import { impossibleNeed } from './slots.ts'

/** One request of a session: all its locks or none. */
export interface Ask {
  readonly request: string
  readonly locks: readonly string[]
  readonly reason: string
  /** What the asker says it is doing. */
  readonly phase?: string | undefined
  /** How long it has been waiting already, by the asker's count. Milliseconds. */
  readonly waitedMs: number
  /** It has ended for its asker, whose present step has not: it is named, and no longer wanted. */
  readonly over?: boolean | undefined
}

export interface AcquireInput extends Ask {
  /** The principal whose topic the message came on. */
  readonly from: string
  readonly session: number
  readonly seq: number
  /** False: granted now or refused as busy. */
  readonly wait: boolean
}

/** The speaking session, or why it cannot speak. */
export function speaker(fleet: Fleet, from: string, session: number): Session | Refusal {
  const known = fleet.sessions.get(String(session))
  // One without contact has said goodbye: what still arrives of it is late.
  const inContact = fleet.contacts.get(String(session)) !== undefined
  if (known === undefined || known.name !== from || !inContact) return { why: 'unknown-session' }
  return known.replacedBy === null ? known : { why: 'session-replaced', by: known.replacedBy }
}

export const isRefusal = <T extends object>(value: T | Refusal): value is Refusal => 'why' in value

export function contactOf(fleet: Fleet, session: Session, now: number): Contact {
  return (
    fleet.contacts.get(String(session.session)) ?? {
      session: session.session,
      leaseUntil: now + fleet.options.ttlMs,
      renewedAt: undefined,
      seq: 0,
      heartbeatSeq: 0,
      replies: [],
      enforces: undefined,
      standing: [],
      phases: new Map()
    }
  )
}

/** Why this session may not ask for these locks; undefined when it may. */
export function refusalOf(fleet: Fleet, session: Session, ask: Ask, now: number): Refusal | undefined {
  for (const [index, lock] of ask.locks.entries()) {
    const path = parseLock(lock)
    if (path === undefined) return { why: 'bad-lock-name', lock }
    const known = fleet.options.resources?.()
    if (known?.includes(path.resource) === false)
      return { why: 'unknown-resource', resource: path.resource, known }
    const other = ask.locks.slice(0, index).find((one) => anyConflict([lock], [one]))
    if (other !== undefined) return { why: 'own-locks-conflict', lock, other }
    if (session.kind === 'agent' && path.scope !== session.device) {
      return { why: 'outside-own-device', lock, device: session.device ?? '' }
    }
    const { mayLock, guardedBelow } = fleet.options.policy(lock)
    const guarded = mayLock === undefined ? guardedBelow : [{ lock, mayLock }, ...guardedBelow]
    const forbids = guarded.find((one) => !one.mayLock.includes(session.name))
    if (forbids !== undefined)
      return {
        why: 'forbidden-by-policy',
        lock,
        name: session.name,
        policyOf: forbids.lock,
        mayLock: forbids.mayLock
      }
  }
  const need = impossibleNeed(fleet, ask.locks)
  if (need !== undefined) {
    const { scope, resource, count: asked, most: slots } = need
    return { why: 'more-than-slots', scope, resource, asked, slots }
  }
  const held = ownedBy(fleet, session.session).filter((lock) => lock.state === 'held')
  if (held.length > 0 && !held.every((lock) => lock.request === ask.request)) {
    return holdsAlready(held, now)
  }
  return undefined
}

export const holdsAlready = (held: readonly Lock[], now: number): Refusal => ({
  why: 'holds-already',
  locks: held.map(({ name }) => name),
  heldMs: Math.round(now - Math.min(...held.map(({ grantedAt }) => grantedAt)))
})

/** What a session holds, or held last: a ghost's locks are its own until they are free. */
export const ownedBy = (fleet: Fleet, session: number): Lock[] => fleet.busy.where('session', String(session))

/** The waiter of this request, if it is this session's own. One of an earlier session of that name gives way to it. */
export function waiterOf(fleet: Fleet, session: Session, ask: Ask): Waiter | Refusal | undefined {
  const waiter = fleet.waiters.get(ask.request)
  if (waiter === undefined) return undefined
  if (waiter.name !== session.name || waiter.locks.join() !== ask.locks.join())
    return { why: 'request-of-another', owner: waiter.name }
  if (waiter.session === session.session) return waiter
  removeWaiter(fleet, ask.request)
  return undefined
}

/** Puts a request into the queue, where it is served in its turn. */
export function enqueue(fleet: Fleet, session: Session, ask: Ask & { seq: number }, now: number): Waiter {
  const waiter: Waiter = {
    request: ask.request,
    session: session.session,
    name: session.name,
    seq: ask.seq,
    locks: ask.locks,
    reason: ask.reason,
    since: now - ask.waitedMs,
    arrival: fleet.count()
  }
  fleet.waiters.put(ask.request, waiter)
  fleet.due.mayBeServed(ask.request)
  fleet.due.by(Math.min(contactOf(fleet, session, now).leaseUntil, openingAfter(fleet, now)))
  return waiter
}

/** What the owner of a lock says it is doing; empty when it said nothing. */
export function phaseOf(fleet: Fleet, { owner, request }: Lock): string {
  const contact = owner === null ? undefined : fleet.contacts.get(String(owner.session))
  return (request === null ? undefined : contact?.phases.get(request)) ?? ''
}

function withPhase({ phases }: Contact, { request, phase }: Ask): ReadonlyMap<string, string> {
  return phase ? new Map(phases).set(request, phase) : phases
}

export function acquire(fleet: Fleet, input: AcquireInput, now: number): void {
  const { request, seq } = input
  const refuse = (refusal: Refusal): void =>
    fleet.reply(input.from, { op: 'refused', session: input.session, seq, request, refusal })
  const session = speaker(fleet, input.from, input.session)
  if (isRefusal(session)) return refuse(session)
  const contact = contactOf(fleet, session, now)
  const phases = withPhase(contact, input)
  fleet.contacts.put(String(session.session), { ...contact, seq: Math.max(contact.seq, seq), phases })

  const granted = fleet.grants.get(request)
  if (granted !== undefined) {
    if (granted.name !== session.name) return refuse({ why: 'request-of-another', owner: granted.name })
    if (granted.ended !== null) return refuse(requestEnded(granted.ended, now))
    if (granted.locks.some(({ lock }) => !input.locks.includes(lock)))
      return refuse({ why: 'request-of-another', owner: granted.name })
    return fleet.reply(input.from, {
      op: 'granted',
      session: granted.session,
      seq,
      request,
      locks: granted.locks
    })
  }
  const waiting = waiterOf(fleet, session, input)
  if (waiting !== undefined && isRefusal(waiting)) return refuse(waiting)
  if (waiting === undefined) {
    // A later heartbeat did not name it: the asker has given it up, and this is a late or repeated message.
    if (seq <= contact.heartbeatSeq) return refuse({ why: 'stale-message' })
    const refusal = refusalOf(fleet, session, input, now)
    if (refusal !== undefined) return refuse(refusal)
    enqueue(fleet, session, input, now)
    serveQueue(fleet, now)
  }
  answerWaiter(fleet, input, now)
}

const requestEnded = ({ how, at }: { how: string; at: number }, now: number): Refusal => ({
  why: 'request-ended',
  how,
  agoMs: Math.max(0, Math.round(now - at))
})

function answerWaiter(fleet: Fleet, input: AcquireInput, now: number): void {
  const waiter = fleet.waiters.get(input.request)
  if (waiter === undefined) return
  const { place, blockers } = placeOf(fleet, waiter, now)
  for (const blocker of blockers) {
    if (blocker.state !== 'queued')
      fleet.effect({ do: 'hot', hot: { lock: blocker.lock, wantedBy: waiter.name, blocker } })
  }
  const { session, seq, request } = input
  if (input.wait) return fleet.reply(input.from, { op: 'queued', session, seq, request, place, blockers })
  removeWaiter(fleet, request)
  const refusal: Refusal =
    blockers.length > 0
      ? { why: 'busy', blockers }
      : now >= grantsFrom(fleet) && !hasLease(fleet, session, now)
        ? { why: 'no-lease' }
        : { why: 'not-ready', inMs: notReadyMs(fleet, now) }
  fleet.reply(input.from, { op: 'refused', session, seq, request, refusal })
}

/** Somebody wants a lock and it is not free: the line that the field looks for. */
export function noteHot(fleet: Fleet, waiter: Waiter, now: number): void {
  for (const blocker of blockersOf(fleet, waiter.locks, [], now)) {
    fleet.effect({ do: 'hot', hot: { lock: blocker.lock, wantedBy: waiter.name, blocker } })
  }
}

function notReadyMs(fleet: Fleet, now: number): number {
  const at = grantsFrom(fleet)
  return Number.isFinite(at) ? Math.max(0, at - now) : fleet.options.ttlMs
}

export interface ReleaseInput {
  readonly from: string
  readonly session: number
  readonly seq: number
  readonly request: string
}

/**
 * The owner says that its present step has ended and that it acts no more: its locks are free at once, also those that were
 * orphaned. A request that still waits is withdrawn.
 */
export function release(fleet: Fleet, input: ReleaseInput, now: number): void {
  const { session, seq, request } = input
  const known = fleet.sessions.get(String(session))
  if (known === undefined || known.name !== input.from) {
    return fleet.reply(input.from, {
      op: 'refused',
      session,
      seq,
      request,
      refusal: { why: 'unknown-session' }
    })
  }
  const waiting = fleet.waiters.get(request)
  if (waiting?.session === session) removeWaiter(fleet, request)
  for (const lock of locksOf(fleet, session, request)) giveBack(fleet, lock, now)
  fleet.reply(input.from, { op: 'released', session, seq, request })
  serveQueue(fleet, now)
}

function locksOf(fleet: Fleet, session: number, request: string): Lock[] {
  return ownedBy(fleet, session).filter((lock) => lock.request === request)
}

/** What a heartbeat leaves out, and was asked for before it, is given up: its sender has stopped, or never learned of it. */
export function abandonUnnamed(
  fleet: Fleet,
  session: Session,
  heartbeat: { seq: number; named: ReadonlySet<string> },
  now: number
): void {
  const left = (request: string, seq: number): boolean => seq < heartbeat.seq && !heartbeat.named.has(request)
  for (const waiter of waitersOf(fleet, session.session)) {
    if (left(waiter.request, waiter.seq)) removeWaiter(fleet, waiter.request)
  }
  for (const lock of ownedBy(fleet, session.session)) {
    if (lock.request === null) continue
    // A store that refuses keeps the lock; the next heartbeat leaves it out again.
    if (!fleet.storeRefuses && left(lock.request, fleet.grants.get(lock.request)?.seq ?? 0))
      giveBack(fleet, lock, now)
  }
}

/** The highest floor of all locks of this resource that cover the device. */
export function floorsOf(fleet: Fleet, device: string): Record<string, number> {
  const floors: Record<string, number> = Object.create(null)
  for (const scope of scopesAbove(device)) {
    for (const lock of fleet.locks.where('scope', scope))
      floors[lock.resource] = Math.max(floors[lock.resource] ?? 0, lock.floor)
  }
  return floors
}
