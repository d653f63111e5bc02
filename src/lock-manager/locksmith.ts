import type { BrokerConnection, BrokerHandlers, ConnectBroker, Message } from '../platform/broker.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import { type LimitedLog, limitedLog } from '../platform/limited-log.ts'
import type { Log } from '../platform/logger.ts'
import type { LocksmithStatus } from '../protocol/messages.ts'
import { type Topics, topicsOf } from '../protocol/topics.ts'
import { loseStart, meaningOf } from '../rules/continuity.ts'
import { nextDue } from '../rules/expiry.ts'
import { Fleet } from '../rules/fleet.ts'
import type { Policy } from '../rules/policy.ts'
import { deaf, listening, start } from '../rules/start.ts'
import { lookUp, type Query, type Self, statusOf } from './answers.ts'
import { collect } from './collector.ts'
import { DeviceStates } from './device-states.ts'
import type { FenceFile } from './fence-file.ts'
import { FenceReserve } from './fence-reserve.ts'
import { FROM_OUTSIDE } from './from-outside.ts'
import { Intake } from './intake.ts'
import { Ledger } from './ledger.ts'
import { oldAudit } from './old-audit.ts'
import { Publisher } from './publisher.ts'
import { RetainedReader } from './retained-reader.ts'
import { startFacts } from './start-facts.ts'
import type { Store } from './store.ts'
import { STORE_AGAIN_MS } from './store-health.ts'
import { statusIn, takenOverBy } from './twin.ts'

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

/** How long a start check that could not be stored waits. */
const START_AGAIN_MS = 1000

/** The shell around the rules: wires the parts together, and knows what phase they are in. */
class Shell implements Locksmith {
  readonly ready: Promise<void>
  readonly takenOver: Promise<string>
  readonly #o: LocksmithOptions
  readonly #log: LimitedLog
  readonly #fleet: Fleet
  readonly #topics: Topics
  readonly #ledger: Ledger
  readonly #fences: FenceReserve
  readonly #broker: BrokerConnection
  readonly #publisher: Publisher
  readonly #reader: RetainedReader
  readonly #intake: Intake
  readonly #states = new DeviceStates()
  readonly #forgetOldAudit: (newest: number) => void
  readonly #sweeper: { stop(): void }
  readonly #startedAt: number
  #phase: 'connecting' | 'reading' | 'serving' | 'stopped' = 'connecting'
  #timer: Timer | undefined
  #timerAt = Number.POSITIVE_INFINITY
  #sweeps = 0
  #resolveReady: () => void = () => {}
  #resolveTakenOver: (why: string) => void = () => {}

  constructor(options: LocksmithOptions) {
    const { clock, store } = options
    const log = limitedLog(options.log, clock, FROM_OUTSIDE)
    this.#log = log
    this.#o = { ...options, log }
    this.#startedAt = clock.now()
    this.#topics = topicsOf(options.fleet)
    this.#fleet = new Fleet(options)
    this.ready = new Promise((resolve) => {
      this.#resolveReady = resolve
    })
    this.takenOver = new Promise((resolve) => {
      this.#resolveTakenOver = resolve
    })
    const common = { fleet: this.#fleet, topics: this.#topics, clock, log }
    this.#ledger = new Ledger({
      ...{ ...common, store, boot: options.boot },
      act: (effects, audit) => this.#publisher.carryOut(effects, audit, clock.now())
    })
    const ledger = this.#ledger
    this.#fences = new FenceReserve({
      ...{ ...common, ledger, fenceFile: options.fenceFile },
      reserved: () => {
        this.#publisher.status(this.#status(true))
        // Whoever waited for a fence is served now, not with the next message.
        this.#intake.flushSoon()
      }
    })
    this.#forgetOldAudit = oldAudit(store, log)
    ledger.load()
    this.#broker = this.#connect()
    const broker = this.#broker
    this.#publisher = new Publisher({ ...common, broker })
    this.#reader = new RetainedReader({ ...common, broker, read: () => this.#retainedRead() })
    this.#intake = new Intake({
      ...{ ...common, ledger, publisher: this.#publisher, defer: options.defer },
      serving: () => this.#phase === 'serving',
      answer: (from, query) => this.#answer(from, query),
      done: (stored) => this.#setTimer(stored && this.#fences.reserveIfLow())
    })
    const { allRequests, allLocks, allAgents, allUpdates, status } = this.#topics
    broker.subscribe([status, allLocks, allUpdates, allAgents, allRequests, this.#topics.sentinel('+')])
    this.#sweeper = options.everySweep(() => this.#sweep())
  }

  #connect(): BrokerConnection {
    const { connect, fleet } = this.#o
    const log = this.#log
    const handlers: BrokerHandlers = {
      connected: () => this.#connected(),
      disconnected: (why) => {
        log.warn({ event: 'broker-lost', why }, 'connection to the broker lost')
        deaf(this.#fleet)
      },
      message: (message) => this.#receive(message),
      refused: (filter, why) => log.error({ event: 'subscription-refused', filter }, why),
      oversized: (topic, bytes) => {
        const fields = { event: 'oversized', topic, bytes, code: 'LK-2006' }
        log.warn(fields, `${topic}: ${bytes} bytes were dropped unread`)
      }
    }
    // Not retained: it was written before the start check, and must not cover what a later status knows of term and fences.
    const will = { topic: this.#topics.status, payload: JSON.stringify(this.#status(false)), retain: false }
    return connect({ clientId: `locksmith-${fleet}`, will }, handlers)
  }

  // Start check

  #connected(): void {
    if (this.#phase === 'stopped') return
    if (this.#phase !== 'serving') this.#phase = 'reading'
    this.#reader.begin(`${this.#o.instance}-${this.#fleet.count()}`)
  }

  /** Everything that the broker had retained has arrived. */
  #retainedRead(): void {
    const now = this.#o.clock.now()
    if (this.#phase === 'reading') this.#startCheck(now)
    if (this.#phase !== 'serving') return
    listening(this.#fleet, now)
    this.#publisher.status(this.#status(true))
    this.#publisher.everything(this.#reader.retained.updates, now)
    this.#intake.flushSoon()
  }

  /** No grant before store, file, status and all retained records were read, and a new block of fences is durable in each. */
  #startCheck(now: number): void {
    const { store, clock } = this.#o
    const { fileLimit } = this.#fences
    const { retained } = this.#reader
    start(this.#fleet, startFacts({ fleet: this.#fleet, store, fileLimit, retained }, this.#o), now)
    if (!this.#fences.reserve()) {
      const why = 'the start check could not be stored; trying again in a second'
      this.#log.error({ event: 'start-failed' }, why)
      this.#timer = clock.after(START_AGAIN_MS, () => this.#phase === 'reading' && this.#retainedRead())
      return
    }
    this.#phase = 'serving'
    this.#log.info({ event: 'serving', fleet: this.#o.fleet, term: this.#fleet.meta.term }, 'serving')
    this.#resolveReady()
  }

  // What is heard

  #receive(message: Message): void {
    const topic = this.#topics.parse(message.topic)
    switch (topic?.kind) {
      case 'request':
        if (this.#phase === 'serving' && !message.retain) this.#intake.take(topic.principal, message.payload)
        return
      case 'agent':
        return this.#takeState(topic.device, message.payload)
      case 'sentinel':
        return this.#reader.cameBack(topic.nonce)
      case 'status':
        this.#reader.take(message)
        return this.#hearStatus(message)
      default:
        this.#reader.take(message)
    }
  }

  /** Before the start check every status is evidence of an earlier life; afterwards a later one is another Locksmith's. */
  #hearStatus(message: Message): void {
    const heard = this.#phase === 'serving' ? statusIn(message) : undefined
    if (heard === undefined) return
    const own = this.#status(true)
    const meaning = meaningOf(own, heard)
    if (meaning === 'nothing') return
    const why = takenOverBy(heard, own)
    if (meaning === 'taken-over') {
      const by = heard.instance === own.instance ? heard.life : heard.instance
      this.#log.error({ event: 'taken-over', code: 'LK-7003', by, term: heard.term }, why)
      this.#resolveTakenOver(why)
      return void this.#end()
    }
    // Its store is a copy of the present one, or the present one an older copy: what it granted is unknown here.
    loseStart(this.#fleet, heard, this.#o.clock.now())
    this.#intake.flushSoon()
  }

  #takeState(device: string, payload: Uint8Array): void {
    const problem = this.#states.take(device, payload, this.#o.clock.now())
    if (problem === undefined) return
    this.#log.warn({ event: 'bad-state', device, code: 'LK-2006', problem }, `state of ${device}: ${problem}`)
  }

  // Time

  /** Most messages change nothing of what is due first: a timer that is set for it stays. */
  #setTimer(healthy: boolean): void {
    const now = this.#o.clock.now()
    const due = nextDue(this.#fleet, now) ?? Number.POSITIVE_INFINITY
    const at = healthy ? Math.max(now + 1, due) : now + STORE_AGAIN_MS
    if (at === this.#timerAt) return
    this.#timer?.cancel()
    this.#timer = undefined
    this.#timerAt = at
    if (Number.isFinite(at)) this.#timer = this.#o.clock.after(at - now, () => this.#wake())
  }

  #wake(): void {
    this.#timerAt = Number.POSITIVE_INFINITY
    this.#intake.flushSoon()
  }

  // Questions

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
    if (this.#ledger.commit() && Object.values(swept).some((count) => count > 0)) {
      this.#log.info({ event: 'collected', ...swept }, 'collector swept')
    }
    const { records } = this.#reader.retained
    for (const lock of records.keys()) {
      if (this.#fleet.locks.get(lock) === undefined)
        this.#broker.publish(this.#topics.lock(lock), '', { retain: true })
      records.delete(lock)
    }
    this.#publisher.refresh(now)
    this.#forgetOldAudit(this.#ledger.newestAudit)
    // Policies may have changed.
    this.#fleet.due.reconsider()
    this.#intake.flushSoon()
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
    this.#reader.stop()
    this.#log.close()
    await this.#broker.close()
    this.#o.store.close()
  }
}
