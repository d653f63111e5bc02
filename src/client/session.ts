import type { Timer } from '../platform/clock.ts'
import { LocksmithError } from '../protocol/errors.ts'
import type { ReplyOf, WireAsk, WireReply, WireRequest } from '../protocol/messages.ts'
import { usableMs } from '../rules/drift.ts'
import { errorOf, REPEAT_MS } from './connection.ts'
import { makeId } from './id.ts'
import { Lease } from './lease.ts'
import { OpenAsks } from './open-asks.ts'
import { repeatUntilAnswered } from './repeat.ts'
import type { Ask, FleetSession, Grant, RequestOptions, SessionOptions, Truth } from './types.ts'
import { Waits } from './waits.ts'

/** Heartbeats whose sending is remembered, to judge the lease of their replies. */
const SENDINGS_KEPT = 64
/** What an owner is doing is told within this time. */
const HURRY_MS = 250
/** So many leases without any answer, and the session says hello anew. */
const UNHEARD_LEASES = 2
const RELEASE_WITHIN_MS = 2000
/** Two Locksmiths that do not know each other's sessions must not make a loop at the speed of a round trip. */
const ANEW_EVERY_MS = 1000
const UNKNOWN =
  'Locksmith does not know this session: its store was restored or lost, or the session had ended there'

/**
 * One session: says hello, renews its lease, names its requests, and judges every lease by the moment at which the heartbeat
 * was sent. Whatever the broker repeats, delays or loses, the owner stops before Locksmith thinks that it has.
 */
export function openSession(options: SessionOptions): FleetSession {
  return new Session(options)
}

class Session implements FleetSession {
  readonly name: string
  readonly #options: SessionOptions
  readonly #asks: OpenAsks
  readonly #sentAt = new Map<number, number>()
  readonly #truths: Waits<Truth>
  readonly #contacts: Waits<LocksmithError | undefined>
  readonly #unsubscribe: (() => void)[]
  #session: number | undefined
  #helloId: string
  #ttlMs = 15_000
  #seq = 0
  #heard = 0
  #knownFence = 0
  #knownTerm = 0
  readonly #lease: Lease
  #hurrying = false
  /** When the first heartbeat was sent that nothing has answered, on a connection that stood ever since. */
  #unansweredSince: number | undefined
  /** The first reply that does not renew is answered by a heartbeat at once. */
  #eager = true
  #beat: Timer | undefined
  #closed = false
  #anewFrom = Number.NEGATIVE_INFINITY

  constructor(options: SessionOptions) {
    this.#options = options
    this.name = options.connection.principal
    this.#helloId = makeId(options.random)
    this.#lease = new Lease(options.clock, {
      began: () => this.#beginContact(),
      ended: (why) => this.#endContact(why)
    })
    this.#asks = this.#openAsks()
    this.#truths = new Waits(options.clock, options.connection)
    this.#contacts = new Waits(options.clock, options.connection)
    this.#unsubscribe = [
      options.connection.onReply((reply) => this.#hear(reply)),
      options.connection.onConnected(() => this.#beatNow()),
      options.connection.onDisconnected(() => {
        this.#unansweredSince = undefined
      })
    ]
    this.#beatNow()
  }

  get session(): number | undefined {
    return this.#session
  }

  /** Judged at each call, so that a process that was stopped finds out before it acts. */
  leaseLeftMs(): number {
    return this.#lease.leftMs()
  }

  async contact(timeoutMs: number): Promise<void> {
    if (this.leaseLeftMs() > 0) return
    const error = await this.#contacts.next(timeoutMs)
    if (error !== undefined) throw error
  }

  refresh(timeoutMs = this.#ttlMs): Promise<Truth> {
    const from = this.#seq
    const truth = this.#truths.next(timeoutMs, ({ reply }) => reply.seq > from)
    this.#beatNow()
    return truth
  }

  // Hello and heartbeat

  /** Says hello, or sends a heartbeat, and sets the next one. */
  #beatNow(): void {
    this.#beat?.cancel()
    if (this.#closed) return
    const { clock, random } = this.#options
    if (this.#isUnheard()) return this.#beginAnew(0, 'Locksmith answers this session no more')
    if (this.#session === undefined) this.#sayHello()
    else this.#sendHeartbeat(this.#session)
    const everyMs = this.#lease.live ? this.#ttlMs / 3 : Math.min(this.#ttlMs / 3, REPEAT_MS)
    this.#beat = clock.after(everyMs * (0.9 + 0.2 * random()), () => this.#beatNow())
    this.#hurrying = false
  }

  /** Brings the next heartbeat forward; what changes meanwhile travels with it. */
  #hurry(): void {
    if (this.#hurrying || this.#closed || !this.#lease.live) return
    this.#hurrying = true
    this.#beat?.cancel()
    this.#beat = this.#options.clock.after(HURRY_MS, () => this.#beatNow())
  }

  #sayHello(): void {
    const { kind, boot, device, connection } = this.#options
    connection.send({ op: 'hello', id: this.#helloId, kind, boot, device, ...this.#known() })
  }

  /** What proves to a Locksmith, whose store is a restored backup, that it has lost something. */
  #known(): { knownFence: number; knownTerm: number } {
    const knownFence = Math.max(this.#knownFence, this.#options.facts?.().knownFence ?? 0)
    return { knownFence, knownTerm: this.#knownTerm }
  }

  #sendHeartbeat(session: number): void {
    // Who was stopped finds out before it speaks.
    this.leaseLeftMs()
    const { clock, connection, facts } = this.#options
    const told = facts?.()
    const seq = this.#nextSeq()
    this.#sentAt.set(seq, clock.now())
    if (this.#sentAt.size > SENDINGS_KEPT) this.#sentAt.delete(this.#sentAt.keys().next().value as number)
    const sent = connection.send({
      op: 'heartbeat',
      session,
      seq,
      heard: this.#heard,
      asks: this.#asks.wire(),
      ...this.#known(),
      ...(told?.enforces === undefined ? {} : { enforces: told.enforces }),
      standing: [...(told?.standing ?? [])]
    })
    if (sent) this.#unansweredSince ??= clock.now()
  }

  /** Locksmith hears others, perhaps, but answers this session no more: a number that somebody forged may have overtaken its own. */
  #isUnheard(): boolean {
    const since = this.#unansweredSince
    const { clock } = this.#options
    return (
      this.#session !== undefined && since !== undefined && clock.now() - since > UNHEARD_LEASES * this.#ttlMs
    )
  }

  #nextSeq(): number {
    this.#seq += 1
    return this.#seq
  }

  // What is heard

  #hear(reply: WireReply): void {
    if (this.#closed) return
    if (reply.op === 'hello') return this.#hearHello(reply)
    if (reply.op === 'failed') return this.#hearFailure(reply)
    if (!('session' in reply) || this.#session === undefined || reply.session !== this.#session) return
    this.#knownFence = Math.max(this.#knownFence, reply.fenceHigh)
    this.#knownTerm = Math.max(this.#knownTerm, reply.term)
    switch (reply.op) {
      case 'heartbeat':
        return this.#hearHeartbeat(reply)
      case 'granted':
      case 'queued':
      case 'ended':
      case 'asked':
        return this.#asks.hear(reply)
      case 'refused':
        return this.#hearRefusal(reply)
    }
  }

  #hearHello(reply: ReplyOf<'hello'>): void {
    if (reply.id !== this.#helloId || this.#session !== undefined) return
    this.#session = reply.session
    this.#knownTerm = Math.max(this.#knownTerm, reply.term)
    this.#ttlMs = reply.ttlMs
    this.#seq = 0
    this.#heard = 0
    this.#sentAt.clear()
    if (reply.news.length > 0) this.#options.onNews?.(reply.news)
    this.#beatNow()
  }

  /** Hello is refused for good, as things are: whoever waits for contact learns why, and it is tried again later. */
  #hearFailure({ id, refusal }: ReplyOf<'failed'>): void {
    if (id !== this.#helloId || this.#session !== undefined) return
    this.#options.onTrouble?.(refusal.code, refusal.message)
    this.#contacts.tell(errorOf(refusal))
    this.#beginAnew(this.#ttlMs, refusal.message)
  }

  #hearHeartbeat(reply: ReplyOf<'heartbeat'>): void {
    const sentAt = this.#sentAt.get(reply.seq)
    if (sentAt === undefined) return
    this.#unansweredSince = undefined
    this.#heard = Math.max(this.#heard, reply.seq)
    // The lease counts from the sending. One that has run out already is void, though it was heard.
    const until = sentAt + usableMs(reply.leaseMs)
    const renewing = reply.leaseMs > 0
    if (renewing && until <= this.#options.clock.now()) return
    if (renewing) {
      this.#eager = true
      this.#lease.renew(until)
    } else if (this.#eager) {
      // Now a reply was heard, so the next heartbeat renews; it is sent at once, but only once.
      this.#eager = false
      this.#beatNow()
    }
    this.#asks.hearTruth(reply)
    const truth = { reply, sentAt }
    this.#options.onTruth?.(truth)
    this.#truths.tell(truth)
  }

  #beginContact(): void {
    this.#options.onContact?.(true, '')
    this.#contacts.tell(undefined)
  }

  #endContact(why: string): void {
    this.#asks.loseAll(new LocksmithError('LK-1016', why))
    this.#options.onContact?.(false, why)
  }

  #hearRefusal(reply: ReplyOf<'refused'>): void {
    const { why } = reply.refusal
    if (why === 'unknown-session') return this.#beginAnew(0, UNKNOWN)
    if (why === 'session-replaced') {
      this.#options.onTrouble?.(reply.refusal.code, reply.refusal.message)
      return this.#beginAnew(this.#ttlMs, reply.refusal.message)
    }
    if (reply.request === '') return this.#options.onTrouble?.(reply.refusal.code, reply.refusal.message)
    this.#asks.refused(reply)
  }

  /** Says hello again as a new session. What was held is lost; what is awaited is asked for again under the same request ids. */
  #beginAnew(inMs: number, why: string): void {
    this.#session = undefined
    this.#unansweredSince = undefined
    this.#helloId = makeId(this.#options.random)
    this.#lease.end(why)
    this.#beat?.cancel()
    this.#asks.forgetOver()
    const { clock, random } = this.#options
    const waitMs = Math.max(inMs * (1 + random()), this.#anewFrom - clock.now())
    this.#anewFrom = clock.now() + waitMs + ANEW_EVERY_MS
    if (waitMs <= 0) this.#beatNow()
    else this.#beat = clock.after(waitMs, () => this.#beatNow())
  }

  // Requests

  acquire(ask: Ask): Promise<Grant> {
    return this.#asks.acquire(ask)
  }

  #openAsks(): OpenAsks {
    const { clock, connection, random, onNews } = this.#options
    return new OpenAsks({
      clock,
      connection,
      random,
      open: () => !this.#closed,
      leaseLeftMs: () => this.leaseLeftMs(),
      hurry: () => this.#hurry(),
      sendAcquire: (ask, wait) => this.#sendAcquire(ask, wait),
      sendRelease: (request) => this.#sendRelease(request),
      onNews: (news) => onNews?.([news])
    })
  }

  #sendAcquire({ over: _over, ...asked }: WireAsk, wait: boolean): void {
    if (this.#session === undefined || !this.#lease.live) return
    const numbers = { session: this.#session, seq: this.#nextSeq() }
    this.#options.connection.send({ op: 'acquire', ...asked, ...numbers, wait })
  }

  async #sendRelease(request: string): Promise<void> {
    await this.#repeat(
      (session, seq) => ({ op: 'release', session, seq, request }),
      (reply) => reply.op === 'released' && reply.request === request,
      { timeoutMs: RELEASE_WITHIN_MS }
    ).catch(() => undefined)
  }

  request<Op extends 'push' | 'noted'>(
    build: (session: number, seq: number) => WireRequest,
    op: Op,
    options: RequestOptions = {}
  ): Promise<ReplyOf<Op>> {
    return this.#repeat(build, (reply) => reply.op === op, options) as Promise<ReplyOf<Op>>
  }

  #repeat(
    build: (session: number, seq: number) => WireRequest,
    fits: (reply: WireReply) => boolean,
    { timeoutMs = Math.max(5000, this.#ttlMs), under }: RequestOptions
  ): Promise<WireReply> {
    const { clock, connection } = this.#options
    return repeatUntilAnswered({
      clock,
      connection,
      session: () => this.#session,
      nextSeq: () => this.#nextSeq(),
      build,
      fits,
      timeoutMs,
      under
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    const held = this.#asks.close()
    await this.#takeLeave(held)
    this.#closed = true
    this.#beat?.cancel()
    this.#lease.stop()
    for (const stop of this.#unsubscribe) stop()
  }

  /** An agent's session stays, for its device is still there; it gives back what it holds. Others end. */
  async #takeLeave(held: readonly string[]): Promise<void> {
    const { kind, connection } = this.#options
    const session = this.#session
    if (session === undefined || !connection.connected) return
    if (kind === 'agent') return void (await Promise.all(held.map((request) => this.#sendRelease(request))))
    await this.#repeat(
      (_, seq) => ({ op: 'goodbye', session, seq }),
      (reply) => reply.op === 'noted',
      { timeoutMs: REPEAT_MS }
    ).catch(() => undefined)
  }
}
