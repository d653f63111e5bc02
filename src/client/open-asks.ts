import type { Clock } from '../platform/clock.ts'
import { LocksmithError } from '../protocol/errors.ts'
import type { ReplyOf, WireAsk, WireAsked } from '../protocol/messages.ts'
import { isOlder, PendingAsk, type Revision, wrongWith } from './asks.ts'
import { errorOf } from './connection.ts'
import { makeId } from './id.ts'
import { givenUp, pursue } from './pursue.ts'
import type { Ask, FleetConnection, Grant } from './types.ts'

export interface OpenAsksOptions {
  readonly clock: Clock
  readonly connection: FleetConnection
  /** In [0, 1). */
  readonly random: () => number
  /** Whether the session is still open. */
  readonly open: () => boolean
  /** Lease left now; 0 when it has run out. */
  readonly leaseLeftMs: () => number
  /** There is something new to tell: the next heartbeat comes soon. */
  readonly hurry: () => void
  readonly sendAcquire: (ask: WireAsk, wait: boolean) => void
  readonly sendRelease: (request: string) => Promise<void>
  readonly onNews: (news: string) => void
}

type OfOneAsk = ReplyOf<'granted'> | ReplyOf<'queued'> | ReplyOf<'ended'> | ReplyOf<'asked'>

/** Every request of a session that is not yet over and done, and what is heard of it. */
export class OpenAsks {
  readonly #o: OpenAsksOptions
  readonly #asks = new Map<string, PendingAsk>()
  #truthAt: Revision = { term: 0, rev: 0 }

  constructor(options: OpenAsksOptions) {
    this.#o = options
  }

  acquire(ask: Ask): Promise<Grant> {
    const { clock, random, open, leaseLeftMs, hurry } = this.#o
    const context = { clock, leaseLeftMs, hurry, sendRelease: (request: string) => this.#giveBack(request) }
    const pending = new PendingAsk(makeId(random, clock.wall()), ask, context)
    const wrong = wrongWith(ask, this.#asks.size)
    if (!open()) pending.refuse(new LocksmithError('LK-1007', 'the session is closed'))
    else if (wrong !== undefined) pending.refuse(wrong)
    else if (ask.signal?.aborted) pending.refuse(givenUp())
    else this.#pursue(pending)
    return pending.granted
  }

  #giveBack(request: string): Promise<void> {
    this.#asks.delete(request)
    return this.#o.sendRelease(request)
  }

  #pursue(pending: PendingAsk): void {
    const { request, ask, wire } = pending
    const { clock, connection, open, sendAcquire } = this.#o
    this.#asks.set(request, pending)
    pursue({
      clock,
      connection,
      pending,
      open,
      send: () => sendAcquire(wire(), ask.wait),
      giveBack: () => void this.#giveBack(request),
      refused: () => this.#asks.delete(request)
    })
  }

  /** As each heartbeat names them. */
  wire(): WireAsk[] {
    return [...this.#asks.values()].map((ask) => ask.wire())
  }

  hear(reply: OfOneAsk): void {
    const ask = this.#asks.get(reply.request)
    if (reply.op === 'queued') ask?.queued(reply.place, reply.blockers)
    else if (reply.op === 'ended') ask?.ended(reply.how, reply)
    else if (reply.op === 'asked') this.#hearAsked(reply.request, reply.lock, reply.asked)
    // A truth heard since, which is newer, would have listed the grant: this one was overtaken by its end.
    else if (!isOlder(reply, this.#truthAt)) ask?.grant(reply.locks, reply)
  }

  #hearAsked(request: string, lock: string, asked: WireAsked): void {
    const news = this.#asks.get(request)?.askedBack(lock, asked)
    if (news !== undefined) this.#o.onNews(`${news.code} ${news.message}`)
  }

  /** What a heartbeat reply says of all of them. */
  hearTruth(reply: ReplyOf<'heartbeat'>): void {
    const renewing = reply.leaseMs > 0
    for (const ask of [...this.#asks.values()]) {
      // A reply that a newer truth has overtaken grants nobody: what it lists may have ended since.
      if (!renewing || isOlder(reply, this.#truthAt)) break
      ask.confirm(
        reply.holding.filter((held) => held.request === ask.request),
        reply
      )
    }
    for (const { request, lock, asked } of reply.holding)
      if (asked !== undefined) this.#hearAsked(request, lock, asked)
    for (const { request, place, blockers } of reply.queued) this.#asks.get(request)?.queued(place, blockers)
    if (renewing && isOlder(this.#truthAt, reply)) this.#truthAt = { term: reply.term, rev: reply.rev }
  }

  refused({ request, refusal }: ReplyOf<'refused'>): void {
    const ask = this.#asks.get(request)
    if (ask === undefined || refusal.why === 'stale-message') return
    ask.refuse(errorOf(refusal))
    if (ask.state === 'over') this.#asks.delete(request)
  }

  loseAll(error: LocksmithError): void {
    for (const ask of [...this.#asks.values()]) ask.lose(error)
  }

  /** Grants of a session that is gone are nobody's any more: naming them in the next one would ask for them anew. */
  forgetOver(): void {
    for (const [request, { state }] of this.#asks) if (state === 'over') this.#asks.delete(request)
  }

  /** Ends them all for their askers; what they were is to be released. */
  close(): string[] {
    this.loseAll(new LocksmithError('LK-1016', 'the session was closed'))
    for (const ask of [...this.#asks.values()])
      ask.refuse(new LocksmithError('LK-1007', 'the session was closed'))
    const requests = [...this.#asks.keys()]
    this.#asks.clear()
    return requests
  }
}
