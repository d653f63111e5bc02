import type { BrokerConnection, ConnectBroker, Message } from '../platform/broker.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import type { Log } from '../platform/logger.ts'
import {
  type AgentState,
  agentState,
  type LocksmithStatus,
  parsePayload,
  request,
  type Update,
  type WireRequest
} from '../protocol/messages.ts'
import { type Topics, topicsOf } from '../protocol/topics.ts'
import { FENCE_BLOCK } from '../rules/continuity.ts'
import type { Effect } from '../rules/effects.ts'
import { advance, nextDue } from '../rules/expiry.ts'
import { type DurableKind, Fleet, type Push } from '../rules/fleet.ts'
import { lockOf } from '../rules/lock.ts'
import type { Policy } from '../rules/policy.ts'
import { deviceName } from '../rules/scope.ts'
import { deaf, listening, reserveFences, start } from '../rules/start.ts'
import { chain } from './audit.ts'
import { collect } from './collector.ts'
import type { FenceFile } from './fence-file.ts'
import { Retained } from './retained.ts'
import { type AuditLink, type Store, type StoredChange, StoreError } from './store.ts'
import { devicesView, locksView, recordOf, whyView } from './views.ts'
import { handle, replyToWire } from './wire.ts'

export interface LocksmithOptions {
  readonly connect: ConnectBroker
  readonly clock: Clock
  readonly store: Store
  readonly fenceFile: FenceFile
  /** Boot id of this machine. */
  readonly boot: string
  /** Names this process in `status`. */
  readonly instance: string
  readonly version: string
  readonly fleet: string
  readonly ttlMs: number
  readonly policy: (lock: string) => Policy
  readonly log: Log
  /** Runs something after the messages that have already arrived: requests that wait together share one commit. */
  readonly defer: (run: () => void) => void
  /** Calls `sweep` every few seconds. */
  readonly everySweep: (sweep: () => void) => { stop(): void }
}

export interface Locksmith {
  /** Resolves when the start check is done and requests are answered. */
  readonly ready: Promise<void>
  readonly stop: () => Promise<void>
}

/** Starts the lock manager. @throws StoreError when the store or the fence file cannot be used */
export function startLocksmith(options: LocksmithOptions): Locksmith {
  return new Shell(options)
}

const SENTINEL_EVERY_MS = 1000

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
  readonly #o: LocksmithOptions
  readonly #fleet: Fleet
  readonly #topics: Topics
  readonly #broker: BrokerConnection
  readonly #sweeper: { stop(): void }
  readonly #states = new Map<string, AgentState>()
  readonly #startedAt: number
  #retained = new Retained()
  #sentinel = ''
  #phase: 'connecting' | 'reading' | 'serving' | 'stopped' = 'connecting'
  #queue: Waiting[] = []
  #flushing = false
  #timer: Timer | undefined
  #lastAudit: AuditLink | undefined
  #sweeps = 0
  #resolveReady: () => void = () => {}

  constructor(options: LocksmithOptions) {
    this.#o = options
    this.#startedAt = options.clock.now()
    this.#topics = topicsOf(options.fleet)
    this.#fleet = new Fleet({ ttlMs: options.ttlMs, policy: options.policy })
    this.ready = new Promise((resolve) => {
      this.#resolveReady = resolve
    })
    this.#load()
    const will = JSON.stringify(this.#status(false))
    this.#broker = options.connect(
      {
        clientId: `locksmith-${options.fleet}`,
        will: { topic: this.#topics.status, payload: will, retain: true }
      },
      {
        connected: () => this.#connected(),
        disconnected: (why) => this.#disconnected(why),
        message: (message) => this.#receive(message),
        refused: (filter, why) => this.#o.log.error({ event: 'subscription-refused', filter }, why)
      }
    )
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
    this.#broker?.publish(this.#topics.sentinel(nonce), '{}')
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
    this.#republish(now)
    this.#flushSoon()
  }

  /** No grant before store, file, status and all retained records were read, and a new block of fences is durable in each. */
  #startCheck(now: number): void {
    const { store, fenceFile, boot, log } = this.#o
    const fileLimit = fenceFile.read()
    const { meta } = this.#fleet
    // The store is written before the file: a file that is ahead proves that the store is not the newest.
    const lostByFile = fileLimit > meta.fenceLimit ? fileLimit - 1 : 0
    const facts = {
      rebooted: store.lastBoot() !== undefined && store.lastBoot() !== boot,
      knownFence: Math.max(this.#retained.knownFence, lostByFile),
      knownLimit: Math.max(fileLimit, this.#retained.status?.fenceLimit ?? 0),
      knownTerm: this.#retained.status?.term ?? 0
    }
    start(this.#fleet, facts, now)
    if (!this.#reserve() || !this.#commit()) {
      log.error({ event: 'start-failed' }, 'the start check could not be stored; trying again in a second')
      this.#timer = this.#o.clock.after(1000, () => this.#phase === 'reading' && this.#retainedRead())
      return
    }
    this.#phase = 'serving'
    log.info({ event: 'serving', fleet: this.#o.fleet, term: this.#fleet.meta.term }, 'serving')
    this.#resolveReady()
  }

  /** Reserves the next block: in the layer of the store, to be committed by the caller, and in the file. */
  #reserve(): boolean {
    const limit = this.#fleet.meta.fenceNext + FENCE_BLOCK
    reserveFences(this.#fleet, limit)
    if (!this.#commit()) return false
    try {
      this.#o.fenceFile.write(limit)
    } catch (error) {
      this.#o.log.error(
        { event: 'fence-file', error },
        'the fence file could not be written; nothing is granted'
      )
      return false
    }
    this.#publishStatus(true)
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
      default:
        if (message.retain) this.#retained.take(this.#topics, message)
    }
  }

  #take(from: string, payload: Uint8Array): void {
    const parsed = parsePayload(request, payload)
    if (!parsed.ok) {
      this.#o.log.warn(
        { event: 'bad-request', from, code: 'LK-2006', problem: parsed.problem },
        'a request was not understood'
      )
      return
    }
    this.#queue.push({ from, request: parsed.value })
    this.#flushSoon()
  }

  #takeState(device: string, payload: Uint8Array): void {
    if (payload.length === 0) return void this.#states.delete(device)
    const parsed = parsePayload(agentState, payload)
    if (parsed.ok && deviceName(parsed.value.device) === device) this.#states.set(device, parsed.value)
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
    if (!this.#carryOut(batch) && batch.length > 0) {
      // One bad write must not take the others with it: heartbeats need no disk.
      for (const one of batch) this.#carryOut([one])
    }
    this.#reserveIfLow()
    this.#setTimer()
  }

  #carryOut(batch: readonly Waiting[]): boolean {
    const now = this.#o.clock.now()
    advance(this.#fleet, now)
    for (const { from, request: asked } of batch) {
      if (asked.op === 'query') this.#answer(from, asked, now)
      else handle(this.#fleet, from, asked, now)
    }
    return this.#commit()
  }

  /** Persists, keeps, then acts; on failure nothing has happened. */
  #commit(): boolean {
    const effects = this.#fleet.takeEffects()
    const now = this.#o.clock.now()
    let audit: readonly AuditLink[]
    try {
      audit = this.#persist(effects)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      this.#fleet.drop()
      this.#o.log.error(
        { event: 'store-refused', code: 'LK-7002', why: error.message },
        'the store refused a write; nothing was granted'
      )
      return false
    }
    this.#fleet.keep()
    // Whoever waits for an answer is served before those who watch.
    for (const effect of effects) if (effect.do === 'reply') this.#act(effect, now)
    for (const effect of effects) if (effect.do !== 'reply') this.#act(effect, now)
    for (const link of audit) this.#broker?.publish(this.#topics.audit, JSON.stringify(link))
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
    this.#lastAudit = links.at(-1) ?? this.#lastAudit
    return links
  }

  #reserveIfLow(): void {
    const { fenceLimit, fenceNext } = this.#fleet.meta
    if (fenceLimit - fenceNext < FENCE_BLOCK / 4) this.#reserve()
  }

  #setTimer(): void {
    this.#timer?.cancel()
    const now = this.#o.clock.now()
    const due = nextDue(this.#fleet, now)
    if (due !== undefined) this.#timer = this.#o.clock.after(Math.max(1, due - now), () => this.#flushSoon())
  }

  // Effects

  #act(effect: Effect, now: number): void {
    switch (effect.do) {
      case 'reply':
        this.#broker.publish(
          this.#topics.reply(effect.to),
          JSON.stringify(replyToWire(this.#fleet, effect, now))
        )
        return
      case 'record':
        return this.#publishRecord(effect.lock, now)
      case 'update':
        return this.#publishUpdate(effect.device, effect.resource, effect.push)
      case 'hot': {
        const { lock, wantedBy, blocker } = effect.hot
        const { owner, heldMs, lastHeardMs, leaseLeftMs, freedBy } = blocker
        this.#o.log.warn(
          {
            event: 'HOT',
            lock,
            wantedBy,
            owner: owner?.name ?? null,
            boot: owner?.boot ?? null,
            ageMs: heldMs,
            lastHeardMs,
            leaseLeftMs,
            freedBy
          },
          `HOT ${lock} is wanted by ${wantedBy} and ${blocker.state} by ${owner?.name ?? 'nobody'}`
        )
        return
      }
      case 'log':
        return this.#o.log[effect.level]({ event: effect.event, ...effect.fields }, effect.event)
    }
  }

  /** At QoS 0: records are published again at each connection, and the heartbeat is the truth. */
  #publishRecord(lock: string, now: number): void {
    this.#broker?.publish(
      this.#topics.lock(lock),
      JSON.stringify(recordOf(this.#fleet, lockOf(this.#fleet, lock), now)),
      {
        retain: true
      }
    )
  }

  #publishUpdate(device: string, resource: string, push: Push | null): void {
    const topic = this.#topics.update(deviceName(device), resource)
    this.#broker.publish(topic, push === null ? '' : JSON.stringify(updateOf(push)), { retain: true, qos: 1 })
  }

  #status(up: boolean): LocksmithStatus {
    const { term, fenceLimit, fenceHigh, quietUntil } = this.#fleet.meta
    const quietMs = Math.max(0, quietUntil - this.#o.clock.now())
    return { instance: this.#o.instance, version: this.#o.version, term, up, fenceLimit, fenceHigh, quietMs }
  }

  #publishStatus(up: boolean): void {
    this.#broker?.publish(this.#topics.status, JSON.stringify(this.#status(up)), { retain: true })
  }

  /** After a (re)connection the broker may have lost everything, or remember what is no longer true. */
  #republish(now: number): void {
    this.#publishStatus(true)
    for (const lock of this.#fleet.locks.values()) this.#publishRecord(lock.name, now)
    const due = new Set<string>()
    for (const push of this.#fleet.pushes.values()) {
      for (const { device, state } of push.state === 'open' ? push.devices : []) {
        if (state !== 'sent') continue
        due.add(this.#topics.update(deviceName(device), push.resource))
        this.#publishUpdate(device, push.resource, push)
      }
    }
    for (const topic of this.#retained.updates) {
      if (!due.has(topic)) this.#broker.publish(topic, '', { retain: true, qos: 1 })
    }
  }

  // Queries

  #answer(from: string, { id, what, subject }: Extract<WireRequest, { op: 'query' }>, now: number): void {
    const data = this.#look(what, subject ?? '', now)
    const { term, fenceHigh, quietUntil } = this.#fleet.meta
    const answer = {
      op: 'answer',
      id,
      data: data ?? null,
      term,
      rev: this.#fleet.rev,
      fenceHigh,
      quietMs: Math.max(0, quietUntil - now)
    }
    this.#broker.publish(this.#topics.reply(from), JSON.stringify(answer))
  }

  #look(what: Extract<WireRequest, { op: 'query' }>['what'], subject: string, now: number): unknown {
    switch (what) {
      case 'locks':
        return locksView(this.#fleet, now)
      case 'devices':
        return devicesView(this.#fleet, this.#states, now)
      case 'why':
        return whyView(this.#fleet, this.#states, subject, now)
      case 'status':
        return { locksmith: this.#self(now), devices: devicesView(this.#fleet, this.#states, now) }
    }
  }

  #self(now: number): unknown {
    const { meta } = this.#fleet
    return {
      up: true,
      version: this.#o.version,
      instance: this.#o.instance,
      term: meta.term,
      startedMs: now - this.#startedAt,
      watchdog: {
        opensInMs: Math.max(0, this.#fleet.opensAt - now),
        quietMs: Math.max(0, meta.quietUntil - now)
      },
      collector: { sweeps: this.#sweeps },
      store: { kind: 'sqlite', locks: [...this.#fleet.locks.values()].length }
    }
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
  }

  async stop(): Promise<void> {
    if (this.#phase === 'stopped') return
    this.#phase = 'stopped'
    this.#timer?.cancel()
    this.#sweeper.stop()
    this.#publishStatus(false)
    await this.#broker.close()
    this.#o.store.close()
  }
}

const updateOf = ({ id, resource, version, document, digest, by, under }: Push): Update => ({
  push: id,
  resource,
  version,
  document,
  digest,
  by,
  under: under === null ? null : { ...under }
})
