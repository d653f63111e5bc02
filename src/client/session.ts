import type { Timer } from '../platform/clock.ts'
import { LocksmithError } from '../protocol/errors.ts'
import type { ReplyOf, WireReply, WireRequest } from '../protocol/messages.ts'
import { type AskContext, PendingAsk } from './asks.ts'
import { errorOf, REPEAT_MS, silence } from './connection.ts'
import { makeId } from './id.ts'
import type { Ask, FleetSession, Grant, SessionOptions, Truth } from './types.ts'

/** Heartbeats whose sending is remembered, to judge the lease of their replies. */
const SENDINGS_KEPT = 64
const RELEASE_WITHIN_MS = 2000

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
  readonly #asks = new Map<string, PendingAsk>()
  readonly #sentAt = new Map<number, number>()
  readonly #waitingForTruth = new Set<(truth: Truth) => void>()
  readonly #waitingForContact = new Set<() => void>()
  readonly #unsubscribe: (() => void)[]
  #session: number | undefined
  #helloId: string
  #ttlMs = 15_000
  #seq = 0
  #heard = 0
  #knownFence = 0
  #leaseUntil = Number.NEGATIVE_INFINITY
  #inContact = false
  /** The first reply that does not renew is answered by a heartbeat at once. */
  #eager = true
  #beat: Timer | undefined
  #expiry: Timer | undefined
  #closed = false

  constructor(options: SessionOptions) {
    this.#options = options
    this.name = options.connection.principal
    this.#helloId = makeId(options.random)
    this.#unsubscribe = [
      options.connection.onReply((reply) => this.#hear(reply)),
      options.connection.onConnected(() => this.#beatNow())
    ]
    this.#beatNow()
  }

  get session(): number | undefined {
    return this.#session
  }

  /** Judged at each call, so that a process that was stopped finds out before it acts. */
  leaseLeftMs(): number {
    const left = this.#leaseUntil - this.#options.clock.now()
    if (left > 0) return left
    this.#loseContact()
    return 0
  }

  contact(timeoutMs: number): Promise<void> {
    if (this.leaseLeftMs() > 0) return Promise.resolve()
    return this.#await(timeoutMs, (done) => {
      this.#waitingForContact.add(done)
      return () => this.#waitingForContact.delete(done)
    })
  }

  #await<T>(timeoutMs: number, attach: (done: (value: T) => void) => () => void): Promise<T> {
    const { clock, connection } = this.#options
    return new Promise((resolve, reject) => {
      const detach = attach((value) => {
        deadline.cancel()
        detach()
        resolve(value)
      })
      const deadline = clock.after(timeoutMs, () => {
        detach()
        reject(silence(connection.connected, timeoutMs))
      })
    })
  }

  refresh(timeoutMs = this.#ttlMs): Promise<Truth> {
    const from = this.#seq
    const truth = this.#await<Truth>(timeoutMs, (done) => {
      const hear = (heard: Truth): void => {
        if (heard.reply.seq > from) done(heard)
      }
      this.#waitingForTruth.add(hear)
      return () => this.#waitingForTruth.delete(hear)
    })
    this.#beatNow()
    return truth
  }

  // Hello and heartbeat

  /** Says hello, or sends a heartbeat, and sets the next one. */
  #beatNow(): void {
    this.#beat?.cancel()
    if (this.#closed) return
    const { clock, random } = this.#options
    if (this.#session === undefined) this.#sayHello()
    else this.#sendHeartbeat(this.#session)
    const everyMs = this.#inContact ? this.#ttlMs / 3 : Math.min(this.#ttlMs / 3, REPEAT_MS)
    this.#beat = clock.after(everyMs * (0.9 + 0.2 * random()), () => this.#beatNow())
  }

  #sayHello(): void {
    const { kind, boot, device, connection } = this.#options
    connection.send({ op: 'hello', id: this.#helloId, kind, boot, device, knownFence: this.#fenceKnown() })
  }

  #fenceKnown(): number {
    return Math.max(this.#knownFence, this.#options.facts?.().knownFence ?? 0)
  }

  #sendHeartbeat(session: number): void {
    const { clock, connection, facts } = this.#options
    const told = facts?.()
    const seq = this.#nextSeq()
    this.#sentAt.set(seq, clock.now())
    if (this.#sentAt.size > SENDINGS_KEPT) this.#sentAt.delete(this.#sentAt.keys().next().value as number)
    connection.send({
      op: 'heartbeat',
      session,
      seq,
      heard: this.#heard,
      asks: [...this.#asks.values()].map((ask) => ask.wire()),
      knownFence: this.#fenceKnown(),
      ...(told?.enforces === undefined ? {} : { enforces: told.enforces }),
      standing: [...(told?.standing ?? [])]
    })
  }

  #nextSeq(): number {
    this.#seq += 1
    return this.#seq
  }

  // What is heard

  #hear(reply: WireReply): void {
    if (this.#closed) return
    if (reply.op === 'hello') return this.#hearHello(reply)
    if (!('session' in reply) || this.#session === undefined || reply.session !== this.#session) return
    this.#knownFence = Math.max(this.#knownFence, reply.fenceHigh)
    switch (reply.op) {
      case 'heartbeat':
        return this.#hearHeartbeat(reply)
      case 'granted':
        return this.#asks.get(reply.request)?.grant(reply.locks, reply)
      case 'queued':
        return this.#asks.get(reply.request)?.queued(reply.place, reply.blockers)
      case 'ended':
        return this.#asks.get(reply.request)?.ended(reply.how, reply)
      case 'refused':
        return this.#hearRefusal(reply)
    }
  }

  #hearHello(reply: ReplyOf<'hello'>): void {
    if (reply.id !== this.#helloId || this.#session !== undefined) return
    this.#session = reply.session
    this.#ttlMs = reply.ttlMs
    this.#seq = 0
    this.#heard = 0
    this.#sentAt.clear()
    if (reply.news.length > 0) this.#options.onNews?.(reply.news)
    this.#beatNow()
  }

  #hearHeartbeat(reply: ReplyOf<'heartbeat'>): void {
    const sentAt = this.#sentAt.get(reply.seq)
    if (sentAt === undefined) return
    this.#heard = Math.max(this.#heard, reply.seq)
    // The lease counts from the sending. One that has run out already is void, though it was heard.
    const until = sentAt + reply.leaseMs
    const renewing = reply.leaseMs > 0
    if (renewing && until <= this.#options.clock.now()) return
    if (renewing) this.#renew(until)
    else if (this.#eager) {
      // Now a reply was heard, so the next heartbeat renews; it is sent at once, but only once.
      this.#eager = false
      this.#beatNow()
    }
    for (const ask of [...this.#asks.values()]) {
      if (!renewing) break
      ask.confirm(
        reply.holding.filter((held) => held.request === ask.request),
        reply
      )
    }
    for (const { request, place, blockers } of reply.queued) this.#asks.get(request)?.queued(place, blockers)
    const truth = { reply, sentAt }
    this.#options.onTruth?.(truth)
    for (const waiting of [...this.#waitingForTruth]) waiting(truth)
  }

  #renew(until: number): void {
    this.leaseLeftMs()
    this.#leaseUntil = Math.max(this.#leaseUntil, until)
    this.#expiry?.cancel()
    this.#expiry = this.#options.clock.after(this.#leaseUntil - this.#options.clock.now(), () =>
      this.leaseLeftMs()
    )
    this.#eager = true
    if (this.#inContact) return
    this.#inContact = true
    this.#options.onContact?.(true)
    for (const waiting of [...this.#waitingForContact]) waiting()
  }

  #loseContact(): void {
    if (!this.#inContact) return
    this.#inContact = false
    this.#expiry?.cancel()
    for (const ask of [...this.#asks.values()]) ask.lose(new LocksmithError('LK-1016', 'the lease ran out'))
    this.#options.onContact?.(false)
  }

  #hearRefusal(reply: ReplyOf<'refused'>): void {
    const { why } = reply.refusal
    if (why === 'unknown-session') return this.#beginAnew(0)
    if (why === 'session-replaced') {
      this.#options.onTrouble?.(reply.refusal.code, reply.refusal.message)
      return this.#beginAnew(this.#ttlMs)
    }
    if (reply.request === '') return this.#options.onTrouble?.(reply.refusal.code, reply.refusal.message)
    const ask = this.#asks.get(reply.request)
    if (ask === undefined || why === 'stale-message') return
    ask.refuse(errorOf(reply.refusal))
    if (ask.state === 'over') this.#asks.delete(reply.request)
  }

  /** Says hello again as a new session. What was held is lost; what is awaited is asked for again under the same request ids. */
  #beginAnew(inMs: number): void {
    this.#session = undefined
    this.#helloId = makeId(this.#options.random)
    this.#leaseUntil = Number.NEGATIVE_INFINITY
    this.#loseContact()
    this.#beat?.cancel()
    if (inMs === 0) this.#beatNow()
    else this.#beat = this.#options.clock.after(inMs * (1 + this.#options.random()), () => this.#beatNow())
  }

  // Requests

  acquire(ask: Ask): Promise<Grant> {
    const request = makeId(this.#options.random)
    const pending = new PendingAsk(request, ask, this.#askContext())
    this.#asks.set(request, pending)
    const give = (): void => {
      pending.refuse(new LocksmithError('LK-1007', 'given up by the asker'))
      this.#asks.delete(request)
      this.#sendRelease(request)
    }
    if (ask.signal?.aborted) give()
    ask.signal?.addEventListener('abort', () => pending.state === 'waiting' && give(), { once: true })
    this.#sendAcquire(pending)
    pending.granted.catch(() => this.#asks.delete(request))
    return pending.granted
  }

  #askContext(): AskContext {
    return {
      clock: this.#options.clock,
      leaseLeftMs: () => this.leaseLeftMs(),
      sendRelease: (request) => {
        this.#asks.delete(request)
        return this.#sendRelease(request)
      }
    }
  }

  /** Repeated until it is answered by a grant, a place in the queue, or a refusal. Heartbeats name it anyway. */
  #sendAcquire(pending: PendingAsk): void {
    let answered = false
    const stop = this.#options.connection.onReply((reply) => {
      if ('request' in reply && reply.request === pending.request) answered = true
    })
    const again = (): void => {
      const over = pending.state !== 'waiting' || (answered && pending.ask.wait)
      if (over || this.#closed) return stop()
      if (this.#session !== undefined && this.#inContact) {
        const { session } = this
        this.#options.connection.send({
          op: 'acquire',
          ...pending.wire(),
          session: session as number,
          seq: this.#nextSeq(),
          wait: pending.ask.wait
        })
      }
      this.#options.clock.after(this.#inContact ? REPEAT_MS : REPEAT_MS / 10, again)
    }
    again()
  }

  async #sendRelease(request: string): Promise<void> {
    await this.#repeat(
      (session, seq) => ({ op: 'release', session, seq, request }),
      (reply) => reply.op === 'released' && reply.request === request,
      RELEASE_WITHIN_MS
    ).catch(() => undefined)
  }

  request<Op extends 'push' | 'noted'>(
    build: (session: number, seq: number) => WireRequest,
    op: Op,
    timeoutMs = 5000
  ): Promise<ReplyOf<Op>> {
    return this.#repeat(build, (reply) => reply.op === op, timeoutMs) as Promise<ReplyOf<Op>>
  }

  /** Sends a numbered request again and again, each time under a new number, until a reply to any of them fits. */
  #repeat(
    build: (session: number, seq: number) => WireRequest,
    fits: (reply: WireReply) => boolean,
    timeoutMs: number
  ): Promise<WireReply> {
    const { clock, connection } = this.#options
    return new Promise((resolve, reject) => {
      const sent = new Set<number>()
      let repeating: Timer | undefined
      const settle = (act: () => void): void => {
        repeating?.cancel()
        deadline.cancel()
        stop()
        act()
      }
      const stop = connection.onReply((reply) => {
        if (!('seq' in reply) || !sent.has(reply.seq) || reply.session !== this.#session) return
        if (reply.op === 'refused' && reply.refusal.why !== 'unknown-session')
          settle(() => reject(errorOf(reply.refusal)))
        else if (fits(reply)) settle(() => resolve(reply))
      })
      const deadline = clock.after(timeoutMs, () =>
        settle(() => reject(silence(connection.connected, timeoutMs)))
      )
      const again = (): void => {
        if (this.#session !== undefined) {
          const seq = this.#nextSeq()
          sent.add(seq)
          connection.send(build(this.#session, seq))
        }
        repeating = clock.after(REPEAT_MS, again)
      }
      again()
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    const { kind, connection } = this.#options
    for (const ask of [...this.#asks.values()]) {
      ask.lose(new LocksmithError('LK-1016', 'the session was closed'))
      ask.refuse(new LocksmithError('LK-1007', 'the session was closed'))
    }
    this.#asks.clear()
    const session = this.#session
    if (kind !== 'agent' && session !== undefined && connection.connected) {
      await this.#repeat(
        (_, seq) => ({ op: 'goodbye', session, seq }),
        (reply) => reply.op === 'noted',
        REPEAT_MS
      ).catch(() => undefined)
    }
    this.#closed = true
    this.#beat?.cancel()
    this.#expiry?.cancel()
    for (const stop of this.#unsubscribe) stop()
  }
}
