import { believeClaim } from './continuity.ts'
import type { Contact, Fleet, LockFence, Session, SessionKind } from './fleet.ts'
import { askedBack, lockOf, orphan, putLock } from './lock.ts'
import { hasLease, placeOf, removeWaiter, serveQueue, waitersOf } from './queue.ts'
import type { Refusal } from './refusals.ts'
import {
  type Ask,
  abandonUnnamed,
  contactOf,
  enqueue,
  floorsOf,
  isRefusal,
  noteHot,
  ownedBy,
  refusalOf,
  speaker,
  waiterOf
} from './request.ts'
import { deviceName, scopesAbove } from './scope.ts'

/** Sessions and their leases: who speaks, since when, and until when it may act. */

export interface HelloInput {
  readonly from: string
  readonly id: string
  readonly kind: SessionKind
  readonly boot: string
  readonly device: string | null
  readonly knownFence: number
  readonly knownTerm?: number | undefined
}

/** The number of a hello's reply: the first that a session can have heard. */
const HELLO_SEQ = 0

/**
 * Replies kept to judge what was heard. Without contact a client asks twice a second, and on a slow line what it has heard last
 * lies many replies back: with too few it would never be in contact again.
 */
const REPLIES_KEPT = 64

export function hello(fleet: Fleet, input: HelloInput, now: number): void {
  const { from, id, device } = input
  if (input.kind === 'agent' && (device === null || deviceName(device) !== from)) {
    return fleet.reply(from, {
      op: 'failed',
      id,
      refusal: { why: 'identity-taken', device: device ?? '(none)', by: null }
    })
  }
  if (!believeClaim(fleet, input, now)) {
    const refusal = {
      why: 'unbelievable-fence',
      fence: input.knownFence,
      highest: fleet.meta.fenceHigh
    } as const
    return fleet.reply(from, { op: 'failed', id, refusal })
  }
  const same = fleet.sessions.where('name', from)
  const elsewhere = same.find((one) => isElsewhere(fleet, one, input, now))
  if (elsewhere !== undefined) {
    return fleet.reply(from, { op: 'failed', id, refusal: identityTaken(fleet, elsewhere, now) })
  }
  const repeated = same.find((session) => session.hello === id)
  const session = repeated ?? begin(fleet, input, now)
  fleet.reply(from, {
    op: 'hello',
    id,
    session: session.session,
    ttlMs: fleet.options.ttlMs,
    news: takeNews(fleet, session)
  })
}

function identityTaken(fleet: Fleet, { session, device }: Session, now: number): Refusal {
  const contact = fleet.contacts.get(String(session))
  const heardAt = contact?.renewedAt
  return {
    why: 'identity-taken',
    device: device ?? '',
    by: {
      lastHeardMs: heardAt === undefined ? null : Math.round(now - heardAt),
      leaseLeftMs: Math.max(0, Math.round((contact?.leaseUntil ?? now) - now))
    }
  }
}

/** Another device of the same name is alive: one of the two is set up wrong. One that has fallen silent may have moved. */
const isElsewhere = (fleet: Fleet, other: Session, input: HelloInput, now: number): boolean =>
  input.kind === 'agent' &&
  other.kind === 'agent' &&
  other.replacedBy === null &&
  other.device !== input.device &&
  hasLease(fleet, other.session, now)

function begin(fleet: Fleet, input: HelloInput, now: number): Session {
  const session: Session = {
    name: input.from,
    session: fleet.nextSession(),
    boot: input.boot,
    kind: input.kind,
    device: input.kind === 'agent' ? input.device : null,
    hello: input.id,
    replacedBy: null
  }
  if (session.kind === 'agent') {
    replaceOlder(fleet, session, now)
    fleet.due.reconsider()
  }
  fleet.sessions.put(String(session.session), session)
  fleet.contacts.put(String(session.session), {
    ...contactOf(fleet, session, now),
    replies: [{ seq: HELLO_SEQ, at: now }]
  })
  fleet.log('info', 'hello', {
    name: session.name,
    session: session.session,
    kind: session.kind,
    device: session.device
  })
  return session
}

function replaceOlder(fleet: Fleet, newer: Session, now: number): void {
  for (const older of fleet.sessions.where('name', newer.name)) {
    if (older.kind !== 'agent' || older.replacedBy !== null) continue
    for (const lock of ownedBy(fleet, older.session)) {
      if (lock.state !== 'held') continue
      const leaseUntil = fleet.contacts.get(String(older.session))?.leaseUntil ?? now
      orphan(fleet, lock, { cause: 'replaced', leaseUntil }, now)
    }
    dropWaiters(fleet, older.session)
    fleet.sessions.put(String(older.session), { ...older, replacedBy: newer.session })
  }
}

export function dropWaiters(fleet: Fleet, session: number): void {
  for (const { request } of waitersOf(fleet, session)) removeWaiter(fleet, request)
}

/** An owner whose lock was cleared learns of it when it returns; its reply may be lost, so a repeated hello is told again. */
function takeNews(fleet: Fleet, { name, session }: Session): string[] {
  const news: string[] = []
  for (const operation of fleet.operations.where('owner', name)) {
    const told = operation.toldTo !== null && operation.toldTo !== session
    if (told || operation.outcome !== 'cleared') continue
    news.push(
      `${operation.lock} (fence ${operation.fence}) was cleared by ${operation.by}: ${operation.reason}`
    )
    if (operation.toldTo === null)
      fleet.operations.put(operation.operation, { ...operation, toldTo: session })
  }
  return news
}

export interface HeartbeatInput {
  readonly from: string
  readonly session: number
  readonly seq: number
  /** Number of the last reply that the sender heard. */
  readonly heard: number
  /** Every request that it holds or awaits. */
  readonly asks: readonly Ask[]
  readonly knownFence: number
  readonly knownTerm?: number | undefined
  readonly enforces: boolean | undefined
  readonly standing: readonly LockFence[]
}

export function heartbeat(fleet: Fleet, input: HeartbeatInput, now: number): void {
  const { from, seq } = input
  const session = speaker(fleet, from, input.session)
  if (isRefusal(session)) {
    // Whom a restored store does not know is the one who knows what it has lost.
    believeClaim(fleet, input, now)
    return fleet.reply(from, { op: 'refused', session: input.session, seq, request: '', refusal: session })
  }
  const contact = contactOf(fleet, session, now)
  // A repeated or overtaken heartbeat says nothing that a later one has not said better.
  if (seq <= contact.heartbeatSeq) return
  if (!believeClaim(fleet, input, now)) {
    const refusal = {
      why: 'unbelievable-fence',
      fence: input.knownFence,
      highest: fleet.meta.fenceHigh
    } as const
    return fleet.reply(from, { op: 'refused', session: input.session, seq, request: '', refusal })
  }
  const acted = hasLease(fleet, session.session, now)
  const renewed = mayRenew(fleet, contact, input.heard, now)
  fleet.contacts.put(String(session.session), {
    ...contact,
    seq: Math.max(contact.seq, seq),
    heartbeatSeq: seq,
    leaseUntil: renewed ? now + fleet.options.ttlMs : contact.leaseUntil,
    renewedAt: renewed ? now : contact.renewedAt,
    replies: [
      ...contact.replies.filter((reply) => now - reply.at < fleet.options.ttlMs),
      { seq, at: now }
    ].slice(-REPLIES_KEPT),
    enforces: input.enforces ?? contact.enforces,
    standing: input.standing,
    phases: new Map(input.asks.map(({ request, phase }) => [request, phase ?? '']))
  })
  if (renewed) clearUnheardMarks(fleet, session)
  if (renewed && !acted)
    for (const { request } of waitersOf(fleet, session.session)) fleet.due.mayBeServed(request)
  // A controller that is now known to refuse late writes may bring a ghost's end nearer.
  if (input.enforces !== undefined && input.enforces !== contact.enforces) fleet.due.by(now)
  takeAsks(fleet, session, input, now)
  answer(fleet, session, { seq, leaseMs: renewed ? fleet.options.ttlMs : 0, asks: input.asks }, now)
}

/**
 * A heartbeat renews only if its sender has heard a reply younger than ttl: a line that works one way only is no contact. The
 * first one after a start of Locksmith renews a session that the store knew, since no reply of this life can have been heard.
 */
function mayRenew(fleet: Fleet, contact: Contact, heard: number, now: number): boolean {
  const reply = contact.replies.find((one) => one.seq === heard)
  if (reply !== undefined) return now - reply.at < fleet.options.ttlMs
  return contact.renewedAt === undefined && contact.replies.length === 0
}

function clearUnheardMarks(fleet: Fleet, session: Session): void {
  for (const lock of ownedBy(fleet, session.session)) {
    if (lock.unheard !== null && lock.state === 'held') putLock(fleet, { ...lock, unheard: null })
  }
}

function takeAsks(fleet: Fleet, session: Session, input: HeartbeatInput, now: number): void {
  abandonUnnamed(
    fleet,
    session,
    { seq: input.seq, named: new Set(input.asks.map((ask) => ask.request)) },
    now
  )
  for (const ask of input.asks) {
    const refusal = takeAsk(fleet, session, { ...ask, seq: input.seq }, now)
    const { request } = ask
    if (refusal !== undefined)
      fleet.reply(session.name, { op: 'refused', session: session.session, seq: input.seq, request, refusal })
  }
  serveQueue(fleet, now)
}

/** One request that a heartbeat names: told of its end, left in the queue, or put there anew. */
function takeAsk(
  fleet: Fleet,
  session: Session,
  ask: Ask & { seq: number },
  now: number
): Refusal | undefined {
  const { request } = ask
  const granted = fleet.grants.get(request)
  if (granted !== undefined) {
    if (granted.name !== session.name) return { why: 'request-of-another', owner: granted.name }
    if (granted.ended !== null) tellEnded(fleet, session, { request, how: granted.ended.how })
    return undefined
  }
  const waiting = waiterOf(fleet, session, ask)
  if (waiting !== undefined && isRefusal(waiting)) return waiting
  if (ask.over === true) {
    if (waiting !== undefined) removeWaiter(fleet, request)
    return undefined
  }
  if (waiting !== undefined) return undefined
  const refusal = refusalOf(fleet, session, ask, now)
  if (refusal === undefined) noteHot(fleet, enqueue(fleet, session, ask, now), now)
  return refusal
}

function tellEnded(
  fleet: Fleet,
  { name, session }: Session,
  { request, how }: { request: string; how: string }
): void {
  fleet.reply(name, { op: 'ended', session, seq: 0, request, locks: [], how })
}

function answer(
  fleet: Fleet,
  session: Session,
  { seq, leaseMs, asks }: { seq: number; leaseMs: number; asks: readonly Ask[] },
  now: number
): void {
  const holding = asks.flatMap(({ request }) => {
    const held = fleet.grants.get(request)
    return held?.session === session.session
      ? held.locks.map((one) => holdingOf(fleet, one, request, now))
      : []
  })
  const queued = asks.flatMap(({ request }) => {
    const waiter = fleet.waiters.get(request)
    return waiter?.session !== session.session ? [] : [{ request, ...placeOf(fleet, waiter, now) }]
  })
  const { device } = session
  const covering =
    device === null ? [] : scopesAbove(device).flatMap((scope) => fleet.busy.where('scope', scope))
  const floors = device === null ? {} : floorsOf(fleet, device)
  fleet.reply(session.name, {
    op: 'heartbeat',
    session: session.session,
    seq,
    leaseMs,
    holding,
    queued,
    covering,
    floors
  })
}

function holdingOf(fleet: Fleet, one: LockFence, request: string, now: number) {
  const asked = askedBack(lockOf(fleet, one.lock), now)
  return { ...one, request, ...(asked === undefined ? {} : { asked }) }
}

export interface GoodbyeInput {
  readonly from: string
  readonly session: number
  readonly seq: number
}

/** The session ends by its own word: it acts no more, so all that it held is free. */
export function goodbye(fleet: Fleet, { from, session: number, seq }: GoodbyeInput, now: number): void {
  const session = fleet.sessions.get(String(number))
  if (session !== undefined && session.name === from) {
    abandonUnnamed(fleet, session, { seq: Number.POSITIVE_INFINITY, named: new Set() }, now)
    if (session.kind !== 'agent') fleet.sessions.remove(String(number))
    fleet.contacts.remove(String(number))
    fleet.due.reconsider()
    serveQueue(fleet, now)
  }
  fleet.reply(from, { op: 'noted', session: number, seq })
}
