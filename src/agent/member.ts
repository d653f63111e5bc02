import { type FleetConnection, type FleetSession, openFleetConnection, openSession } from '../client/index.ts'
import type { Truth } from '../client/types.ts'
import type { ConnectBroker, Message, Will } from '../platform/broker.ts'
import type { Clock } from '../platform/clock.ts'
import type { Log } from '../platform/logger.ts'
import { type LockRecord, parsePayload, record, type Update } from '../protocol/messages.ts'
import type { Topics } from '../protocol/topics.ts'
import { type Interlock, isCredible } from '../rules/interlock.ts'
import { type Authority, type Heard, ownLock, wideLock } from './authority.ts'
import type { ChangeDeps } from './change-deps.ts'
import type { AgentConfig } from './config.ts'
import { Feed } from './feed.ts'
import { Outcomes } from './outcomes.ts'
import { Report, type StateSources } from './report.ts'
import { Worker } from './worker.ts'

export interface MemberOptions {
  readonly config: AgentConfig
  readonly connect: ConnectBroker
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  readonly boot: string
  readonly deps: ChangeDeps
  readonly sources: Omit<StateSources, 'session'>
  readonly topics: Topics
  readonly will: Will
}

/** The agent as a member of its fleet: what is heard goes to the guard and the worker, what they find is told. */
export interface Member {
  readonly authority: (update: Update, signal: AbortSignal) => Promise<Authority>
  /** The guard's state may have changed. */
  readonly changed: () => void
  readonly controllerBack: () => void
  readonly leave: () => Promise<void>
}

export function joinFleet(options: MemberOptions): Member {
  return new FleetMember(options)
}

class FleetMember implements Member {
  readonly #options: MemberOptions
  readonly #connection: FleetConnection
  readonly #session: FleetSession
  readonly #outcomes: Outcomes
  readonly #worker: Worker
  readonly #report: Report
  readonly #heard: Heard = { truths: new Feed<Truth>(), records: new Feed<LockRecord>() }
  #toldStanding = '[]'
  #stood = false

  constructor(options: MemberOptions) {
    this.#options = options
    const { config, clock, random, log, deps, topics, boot } = options
    this.#connection = openFleetConnection({
      connect: options.connect,
      clock,
      fleet: config.fleet,
      principal: deps.name,
      clientId: `locksmith-agent-${config.fleet}-${deps.name}`,
      will: options.will,
      refused: (filter, why) =>
        log.error({ event: 'subscription-refused', filter, why }, `the broker refused ${filter}: ${why}`),
      oversized: (topic, bytes) =>
        log.warn(
          { event: 'oversized', topic, bytes, code: 'LK-2006' },
          `${topic}: ${bytes} bytes were dropped unread`
        )
    })
    this.#connection.onMessage((message) => this.#hear(message))
    this.#connection.onConnected(() => log.info({ event: 'broker-connected' }, 'connected to the broker'))
    this.#connection.onDisconnected((why) => log.warn({ event: 'broker-lost', why }, `broker: ${why}`))
    this.#session = openSession({
      kind: 'agent',
      device: config.device,
      boot,
      connection: this.#connection,
      clock,
      random,
      facts: () => this.#facts(),
      onTruth: (truth) => this.#hearTruth(truth),
      onContact: (contact, why) => this.#contact(contact, why),
      onNews: (news) => log.warn({ event: 'news', news }, news.join('; ')),
      onTrouble: (code, message) => log.error({ event: 'trouble', code }, `${code} ${message}`)
    })
    const session = this.#session
    this.#outcomes = new Outcomes({ journal: deps.journal, session, clock, log })
    this.#worker = new Worker({
      clock,
      deps,
      outcomes: this.#outcomes,
      leaseLeftMs: () => session.leaseLeftMs()
    })
    this.#report = new Report({
      ...options.sources,
      connection: this.#connection,
      topic: topics.agent(deps.name),
      log,
      session: () => session.session
    })
    this.#connection.subscribe([
      ...topics.locksAbove(config.device),
      topics.updatesFor(deps.name),
      topics.agent(deps.name)
    ])
  }

  authority = (update: Update, signal: AbortSignal): Promise<Authority> => {
    const { config, clock, deps } = this.#options
    const { resource, under, push, version } = update
    const session = this.#session
    const { device } = config
    if (under === null) {
      return ownLock(session, {
        device,
        resource,
        reason: `push ${push}: ${resource} version ${version}`,
        signal
      })
    }
    const floor = (): number => deps.guard.floor(resource)
    return wideLock({ session, heard: this.#heard, clock, device, resource, under, floor })
  }

  changed = (): void => {
    this.#report.look()
    this.#lookAtDoubts()
    const standing = JSON.stringify(this.#options.deps.guard.standingUnder)
    if (standing === this.#toldStanding) return
    this.#toldStanding = standing
    // Others wait for this proof; the next regular heartbeat repeats what is lost here.
    if (this.#session.leaseLeftMs() > 0) this.#session.refresh().catch(() => undefined)
  }

  /** What could not be settled for want of standstill can be now. */
  #lookAtDoubts(): void {
    const { standing } = this.#options.deps.guard
    if (standing && !this.#stood) this.#worker.controllerBack()
    this.#stood = standing
  }

  controllerBack = (): void => this.#worker.controllerBack()

  leave = async (): Promise<void> => {
    await this.#worker.close()
    this.#outcomes.close()
    this.#report.close()
    await this.#session.close()
    await this.#connection.close()
  }

  #facts() {
    const { guard, controllers } = this.#options.deps
    const stored = guard.posts.flatMap((post) => [...post.stored.values()].map(({ fence }) => fence))
    const able = controllers.map(({ capabilities }) => capabilities?.fence && capabilities.deadline)
    const enforces = able.includes(undefined) ? {} : { enforces: able.every((one) => one === true) }
    return {
      knownFence: Math.max(guard.interlock.fenceHigh, ...stored),
      ...enforces,
      standing: guard.standingUnder
    }
  }

  #hearTruth(truth: Truth): void {
    const { floors, ...reply } = truth.reply
    this.#options.deps.guard.hearTruth({ ...reply, sentAt: truth.sentAt }, floors)
    this.#heard.truths.tell(truth)
  }

  #contact(contact: boolean, why: string): void {
    const { log } = this.#options
    if (!contact) {
      log.warn({ event: 'contact-lost' }, `${why}: a running device runs on and takes no change`)
      return
    }
    log.info({ event: 'contact', session: this.#session.session }, 'in contact with Locksmith')
    this.#outcomes.kick()
    this.#worker.kick()
  }

  #hear(message: Message): void {
    const topic = this.#options.topics.parse(message.topic)
    if (topic?.kind === 'lock') this.#hearRecord(message, topic.lock)
    else if (topic?.kind === 'update') this.#worker.hear(message, topic.resource)
    else if (topic?.kind === 'agent') this.#report.heard(message)
  }

  #hearRecord(message: Message, lock: string): void {
    if (message.payload.length === 0) return
    const { guard } = this.#options.deps
    const parsed = parsePayload(record, message.payload)
    const problem = parsed.ok ? problemOf(parsed.value, lock, guard.interlock) : parsed.problem
    if (parsed.ok && problem === undefined) {
      guard.hearRecord(parsed.value)
      this.#heard.records.tell(parsed.value)
      return
    }
    this.#options.log.warn({ event: 'record-malformed', lock, problem }, `record of ${lock}: ${problem}`)
  }
}

function problemOf(record: LockRecord, lock: string, interlock: Interlock): string | undefined {
  if (record.lock !== lock) return `it is about ${record.lock}`
  if (isCredible(interlock, record)) return undefined
  return `fence ${record.fence} and floor ${record.floor} are unbelievable: the highest known is ${interlock.fenceHigh}`
}
