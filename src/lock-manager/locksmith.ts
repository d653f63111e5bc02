import type { BrokerConnection, ConnectBroker, Message } from '../platform/broker.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import { type LimitedLog, limitedLog } from '../platform/limited-log.ts'
import type { Log } from '../platform/logger.ts'
import { idOf, type LocksmithStatus, parsePayload, request, type WireRequest } from '../protocol/messages.ts'
import { type Topics, topicsOf } from '../protocol/topics.ts'
import { believeClaim, FENCE_BLOCK, meaningOf } from '../rules/continuity.ts'
import type { Effect } from '../rules/effects.ts'
import { advance, nextDue, settle } from '../rules/expiry.ts'
import { type DurableKind, Fleet } from '../rules/fleet.ts'
import type { Policy } from '../rules/policy.ts'
import { deaf, listening, reserveFences, start, withholdFences } from '../rules/start.ts'
import { lookUp, type Query, type Self, statusOf } from './answers.ts'
import { chain } from './audit.ts'
import { collect } from './collector.ts'
import { DeviceStates } from './device-states.ts'
import { type FenceFile, readFenceFile } from './fence-file.ts'
import { FROM_OUTSIDE } from './from-outside.ts'
import { oldAudit } from './old-audit.ts'
import { Publisher } from './publisher.ts'
import { Retained } from './retained.ts'
import { type AuditLink, type Store, type StoredChange, StoreError } from './store.ts'
import { storeHealth } from './store-health.ts'
import { statusIn, takenOverBy } from './twin.ts'
import { handle } from './wire.ts'

export interface LocksmithOptions {
  readonly connect: ConnectBroker
  readonly clock: Clock
  readonly store: Store
  readonly fenceFile: FenceFile
  /** Boot id of this machine. */
  readonly boot: string
  /** Names this process in `status`; a new store is called by it for ever. */
  readonly instance: string
  readonly version: string
  readonly fleet: string
  readonly ttlMs: number
  readonly policy: (lock: string) => Policy
  /** The resources of the fleet; no other can be locked. Undefined: any. */
  readonly resources?: () => readonly string[]
  readonly log: Log
  /** Runs something after the messages that have already arrived: requests that wait together share one commit. */
  readonly defer: (run: () => void) => void
  /** Calls `sweep` every few seconds. */
  readonly everySweep: (sweep: () => void) => { stop(): void }
}

export interface Locksmith {
  /** Resolves when the start check is done and requests are answered. */
  readonly ready: Promise<void>
  /** Resolves with the reason when another Locksmith has taken the fleet over: this one has ended by itself. */
  readonly takenOver: Promise<string>
  readonly stop: () => Promise<void>
}

/** Starts the lock manager. @throws StoreError when the store or the fence file cannot be used */
export function startLocksmith(options: LocksmithOptions): Locksmith {
  return new Shell(options)
}

const SENTINEL_EVERY_MS = 1000

/** How long a store that refused is left alone. */
const STORE_AGAIN_MS = 1000

interface Waiting {
  readonly from: string
  readonly request: WireRequest
}

/**
 * The thin shell around the rules. Order of one batch: advance time and hand every waiting request to its rule; persist what
 * changed; keep it; only then send. A store that fails means that nothing of the batch has happened.
 */
class Shell implements Locksmith {
  readonly ready: Promise<void>
  readonly takenOver: Promise<string>
  readonly #o: LocksmithOptions
  readonly #log: LimitedLog
  readonly #fleet: Fleet
  readonly #topics: Topics
  readonly #broker: BrokerConnection
  readonly #publisher: Publisher
  readonly #sweeper: { stop(): void }
  readonly #states = new DeviceStates()
  readonly #startedAt: number
  #retained = new Retained()
  #sentinel = ''
  #phase: 'connecting' | 'reading' | 'serving' | 'stopped' = 'connecting'
  #queue: Waiting[] = []
  #flushing = false
  #timer: Timer | undefined
  #lastAudit: AuditLink | undefined
  #sweeps = 0
  #reserveFrom = Number.NEGATIVE_INFINITY
  readonly #fileLimit: number
  readonly #noteHealth: (refusal: string | undefined) => void
  readonly #forgetOldAudit: (newest: number) => void
  #resolveReady: () => void = () => {}
  #resolveTakenOver: (why: string) => void = () => {}

  constructor(options: LocksmithOptions) {
    this.#log = limitedLog(options.log, options.clock, FROM_OUTSIDE)
    this.#o = { ...options, log: this.#log }
    this.#startedAt = options.clock.now()
    this.#topics = topicsOf(options.fleet)
    this.#fleet = new Fleet(options)
    this.ready = new Promise((resolve) => {
      this.#resolveReady = resolve
    })
    this.takenOver = new Promise((resolve) => {
      this.#resolveTakenOver = resolve
    })
    this.#fileLimit = readFenceFile(options.fenceFile)
    this.#noteHealth = storeHealth(this.#log)
    this.#forgetOldAudit = oldAudit(options.store, this.#log)
    this.#load()
    const will = JSON.stringify(this.#status(false))
    this.#broker = options.connect(
      {
        clientId: `locksmith-${options.fleet}`,
        // Not retained: it was written before the start check, and must not cover what a later status knows of term and fences.
        will: { topic: this.#topics.status, payload: will, retain: false }
      },
      {
        connected: () => this.#connected(),
        disconnected: (why) => this.#disconnected(why),
        message: (message) => this.#receive(message),
        refused: (filter, why) => this.#o.log.error({ event: 'subscription-refused', filter }, why),
        oversized: (topic, bytes) =>
          this.#o.log.warn(
            { event: 'oversized', topic, bytes, code: 'LK-2006' },
            `${topic}: ${bytes} bytes were dropped unread`
          )
      }
    )
    this.#publisher = new Publisher({
      fleet: this.#fleet,
      topics: this.#topics,
      broker: this.#broker,
      clock: options.clock,
      log: this.#log
    })
    const { allRequests, allLocks, allAgents, allUpdates, status } = this.#topics
    this.#broker.subscribe([status, allLocks, allUpdates, allAgents, allRequests, this.#topics.sentinel('+')])
    this.#sweeper = options.everySweep(() => this.#sweep())
  }

  #load(): void {
    const { durable } = this.#fleet
    for (const { kind, key, value } of this.#o.store.load()) durable[kind]?.put(key, value)
    this.#lastAudit = this.#o.store.lastAudit()
    this.#fleet.keep()
  }

  // Start check

  #connected(): void {
    this.#sentinel = `${this.#o.instance}-${this.#fleet.count()}`
    this.#retained = new Retained()
    if (this.#phase !== 'serving') this.#phase = 'reading'
    this.#sendSentinel(this.#sentinel)
  }

  /** Repeated until it comes back: QoS 0 may lose it, and nothing is granted before. */
  #sendSentinel(nonce: string): void {
    if (nonce !== this.#sentinel || this.#phase === 'stopped') return
    this.#broker.publish(this.#topics.sentinel(nonce), '{}')
    this.#o.clock.after(SENTINEL_EVERY_MS, () => this.#sendSentinel(nonce))
  }

  #disconnected(why: string): void {
    this.#o.log.warn({ event: 'broker-lost', why }, 'connection to the broker lost')
    deaf(this.#fleet)
  }

  /** Everything that the broker had retained has arrived. */
  #retainedRead(): void {
    const now = this.#o.clock.now()
    if (this.#phase === 'reading') this.#startCheck(now)
    if (this.#phase !== 'serving') return
    listening(this.#fleet, now)
    this.#publisher.status(this.#status(true))
    this.#publisher.everything(this.#retained.updates, now)
    this.#flushSoon()
  }

  /** No grant before store, file, status and all retained records were read, and a new block of fences is durable in each. */
  #startCheck(now: number): void {
    const { store, boot, log } = this.#o
    const { fenceLimit } = this.#fleet.meta
    const { status, knownFence, knownTerm } = this.#retained
    const knownLimit = Math.max(this.#fileLimit, status?.fenceLimit ?? 0)
    // The store is written before file and status: one that is ahead proves that the store is not the newest.
    const lost = knownLimit > fenceLimit ? knownLimit - 1 : 0
    const facts = {
      rebooted: store.lastBoot() !== undefined && store.lastBoot() !== boot,
      knownFence: Math.max(knownFence, lost),
      knownLimit,
      knownTerm,
      instance: this.#o.instance
    }
    start(this.#fleet, facts, now)
    if (!this.#reserve()) {
      log.error({ event: 'start-failed' }, 'the start check could not be stored; trying again in a second')
      this.#timer = this.#o.clock.after(1000, () => this.#phase === 'reading' && this.#retainedRead())
      return
    }
    this.#phase = 'serving'
    log.info({ event: 'serving', fleet: this.#o.fleet, term: this.#fleet.meta.term }, 'serving')
    this.#resolveReady()
  }

  /** Makes the bound of the next block durable in the store, then in the file; only then are its fences granted. */
  #reserve(): boolean {
    const { meta } = this.#fleet
    const limit = meta.fenceNext + FENCE_BLOCK
    reserveFences(this.#fleet, limit)
    if (!this.#commit()) return false
    try {
      this.#o.fenceFile.write(limit)
    } catch (error) {
      withholdFences(this.#fleet, meta.fenceLimit)
      this.#fleet.keep()
      this.#o.log.error({ event: 'fence-file', error }, 'the fence file could not be written')
      return false
    }
    this.#publisher.status(this.#status(true))
    return true
  }

  // Requests

  #receive(message: Message): void {
    const topic = this.#topics.parse(message.topic)
    switch (topic?.kind) {
      case 'request':
        if (this.#phase === 'serving' && !message.retain) this.#take(topic.principal, message.payload)
        return
      case 'agent':
        return this.#takeState(topic.device, message.payload)
      case 'sentinel':
        if (topic.nonce !== this.#sentinel) return
        this.#sentinel = ''
        return this.#retainedRead()
      case 'status':
        if (message.retain) this.#retained.take(this.#topics, message)
        return this.#hearStatus(message)
      default:
        if (message.retain) this.#retained.take(this.#topics, message)
    }
  }

  /** Before the start check every status is evidence of an earlier life; afterwards a newer one is another Locksmith's. */
  #hearStatus(message: Message): void {
    const heard = this.#phase === 'serving' ? statusIn(message) : undefined
    if (heard === undefined) return
    const { instance, life, term } = this.#status(true)
    const meaning = meaningOf({ instance, life, term }, heard)
    if (meaning === 'nothing') return
    const why = takenOverBy(heard, term)
    if (meaning === 'taken-over') {
      this.#o.log.error({ event: 'taken-over', code: 'LK-7003', by: heard.instance, term: heard.term }, why)
      this.#resolveTakenOver(why)
      return void this.#end()
    }
    // Its store is a copy of the present one, or the present one an older copy: what it granted is unknown here.
    believeClaim(
      this.#fleet,
      { from: `status of ${heard.life}`, knownFence: heard.fenceHigh, knownTerm: heard.term },
      this.#o.clock.now()
    )
    this.#flushSoon()
  }

  #takeState(device: string, payload: Uint8Array): void {
    const problem = this.#states.take(device, payload, this.#o.clock.now())
    if (problem === undefined) return
    this.#log.warn({ event: 'bad-state', device, code: 'LK-2006', problem }, `state of ${device}: ${problem}`)
  }

  #take(from: string, payload: Uint8Array): void {
    const parsed = parsePayload(request, payload)
    if (!parsed.ok) {
      this.#o.log.warn(
        { event: 'bad-request', from, code: 'LK-2006', problem: parsed.problem },
        'a request was not understood'
      )
      const id = idOf(payload)
      if (id !== undefined)
        this.#publisher.notUnderstood(from, { id, problem: parsed.problem }, this.#o.clock.now())
      return
    }
    this.#queue.push({ from, request: parsed.value })
    this.#flushSoon()
  }

  #flushSoon(): void {
    if (this.#flushing) return
    this.#flushing = true
    this.#o.defer(() => {
      this.#flushing = false
      if (this.#phase === 'serving') this.#flush()
    })
  }

  #flush(): void {
    const batch = this.#queue
    this.#queue = []
    const asks = batch.filter(({ request: { op } }) => op !== 'query')
    const stored = this.#carryOut(asks)
    if (!stored) this.#carryOutOneByOne(asks)
    for (const { from, request: asked } of batch) if (asked.op === 'query') this.#answer(from, asked)
    this.#setTimer(stored && this.#reserveIfLow())
  }

  #carryOut(asks: readonly Waiting[]): boolean {
    const now = this.#o.clock.now()
    advance(this.#fleet, now)
    for (const { from, request: asked } of asks) this.#handle(from, asked, now)
    settle(this.#fleet, now)
    return this.#commit()
  }

  #handle(from: string, asked: WireRequest, now: number): void {
    if (asked.op !== 'query') handle(this.#fleet, from, asked, now)
  }

  /** The store refuses: whatever needs no disk, heartbeats above all, goes on; the rest has not happened and is repeated by its sender. */
  #carryOutOneByOne(asks: readonly Waiting[]): void {
    this.#fleet.storeRefuses = true
    for (const { from, request: asked } of asks) {
      this.#handle(from, asked, this.#o.clock.now())
      this.#commit()
    }
    this.#fleet.storeRefuses = false
    this.#fleet.due.reconsider()
  }

  /** Persists, keeps, then acts; on failure nothing has happened. */
  #commit(): boolean {
    const effects = this.#fleet.takeEffects()
    let audit: readonly AuditLink[]
    try {
      audit = this.#persist(effects)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      this.#fleet.drop()
      this.#noteHealth(error.message)
      return false
    }
    this.#fleet.keep()
    this.#publisher.carryOut(effects, audit, this.#o.clock.now())
    return true
  }

  #persist(effects: readonly Effect[]): readonly AuditLink[] {
    const changes: StoredChange[] = []
    for (const [kind, table] of Object.entries(this.#fleet.durable)) {
      for (const [key, value] of table.changes()) changes.push({ kind: kind as DurableKind, key, value })
    }
    const entries = effects.flatMap((effect) => (effect.do === 'audit' ? [effect.entry] : []))
    if (changes.length === 0 && entries.length === 0) return []
    const links = chain(this.#lastAudit, entries, this.#o.clock.wall())
    this.#o.store.commit(changes, links, this.#o.boot)
    this.#noteHealth(undefined)
    this.#lastAudit = links.at(-1) ?? this.#lastAudit
    return links
  }

  /** False when it has to be tried again in a while: a quarter of a block is left until then. */
  #reserveIfLow(): boolean {
    const { fenceLimit, fenceNext } = this.#fleet.meta
    if (fenceLimit - fenceNext >= FENCE_BLOCK / 4) return true
    const now = this.#o.clock.now()
    if (now < this.#reserveFrom) return false
    this.#reserveFrom = now + STORE_AGAIN_MS
    return this.#reserve()
  }

  #setTimer(healthy: boolean): void {
    this.#timer?.cancel()
    const now = this.#o.clock.now()
    const due = nextDue(this.#fleet, now)
    const inMs = healthy ? Math.max(1, (due ?? Number.POSITIVE_INFINITY) - now) : STORE_AGAIN_MS
    if (Number.isFinite(inMs)) this.#timer = this.#o.clock.after(inMs, () => this.#flushSoon())
  }

  // Queries

  #answer(from: string, query: Query): void {
    const now = this.#o.clock.now()
    const known = { fleet: this.#fleet, states: this.#states.asOf(now), self: this.#self }
    this.#publisher.answer(from, query.id, lookUp(known, query, now), now)
  }

  get #self(): Self {
    const { instance: life, version } = this.#o
    return { life, version, startedAt: this.#startedAt, sweeps: this.#sweeps }
  }

  #status(up: boolean): LocksmithStatus {
    return statusOf(this.#fleet, this.#self, { up, now: this.#o.clock.now() })
  }

  // Collector

  #sweep(): void {
    if (this.#phase !== 'serving') return
    const now = this.#o.clock.now()
    this.#sweeps += 1
    const swept = collect(this.#fleet, now)
    if (this.#commit() && Object.values(swept).some((count) => count > 0)) {
      this.#o.log.info({ event: 'collected', ...swept }, 'collector swept')
    }
    for (const [lock] of this.#retained.records) {
      if (this.#fleet.locks.get(lock) === undefined)
        this.#broker.publish(this.#topics.lock(lock), '', { retain: true })
      this.#retained.records.delete(lock)
    }
    this.#publisher.refresh(now)
    this.#forgetOldAudit(this.#lastAudit?.seq ?? 0)
    // Policies may have changed.
    this.#fleet.due.reconsider()
    this.#flushSoon()
  }

  async stop(): Promise<void> {
    if (this.#phase === 'stopped') return
    this.#publisher.status(this.#status(false))
    await this.#end()
  }

  async #end(): Promise<void> {
    this.#phase = 'stopped'
    this.#publisher.tellWatchers()
    this.#timer?.cancel()
    this.#sweeper.stop()
    this.#log.close()
    await this.#broker.close()
    this.#o.store.close()
  }
}
