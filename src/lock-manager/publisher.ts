import type { BrokerConnection } from '../platform/broker.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import type { Log } from '../platform/logger.ts'
import { ERRORS, type ErrorCode } from '../protocol/errors.ts'
import { type LocksmithStatus, MAX_REPLY_BYTES, type Update } from '../protocol/messages.ts'
import type { Topics } from '../protocol/topics.ts'
import type { Effect, Hot } from '../rules/effects.ts'
import type { Fleet, Push } from '../rules/fleet.ts'
import { lockOf } from '../rules/lock.ts'
import { quietLeftMs } from '../rules/opening.ts'
import { deviceName } from '../rules/scope.ts'
import { whose } from '../rules/whose.ts'
import type { Answer } from './answers.ts'
import type { AuditLink } from './store.ts'
import { ToldRecords } from './told-records.ts'
import { recordOf } from './views.ts'
import { replyToWire } from './wire.ts'

export interface PublisherOptions {
  readonly fleet: Fleet
  readonly topics: Topics
  readonly broker: BrokerConnection
  readonly clock: Clock
  readonly log: Log
}

/**
 * Whoever waits for an answer is served before those who watch, and those who watch so much later: what is written for them
 * in the same moment takes the processor from the broker and the asker. What changes meanwhile is told once.
 */
const WATCHERS_AFTER_MS = 1

interface Refused {
  readonly id: string
  readonly code: ErrorCode
  readonly message: string
  readonly why: string
}

/** Carries out what the rules want done, once it is durable. */
export class Publisher {
  readonly #o: PublisherOptions
  readonly #changed = new Set<string>()
  #audit: AuditLink[] = []
  #telling: Timer | undefined

  constructor(options: PublisherOptions) {
    this.#o = options
  }

  carryOut(effects: readonly Effect[], audit: readonly AuditLink[], now: number): void {
    const { broker, topics, fleet, clock } = this.#o
    for (const effect of effects) {
      if (effect.do === 'reply')
        broker.publish(topics.reply(effect.to), JSON.stringify(replyToWire(fleet, effect, now)))
      else if (effect.do === 'record') this.#changed.add(effect.lock)
    }
    for (const effect of effects) this.#act(effect)
    this.#audit.push(...audit)
    if (this.#changed.size > 0 || this.#audit.length > 0)
      this.#telling ??= clock.after(WATCHERS_AFTER_MS, () => this.tellWatchers())
  }

  /** Publishes the records and the audit that are still to be told. */
  tellWatchers(): void {
    const { broker, topics, clock } = this.#o
    this.#telling?.cancel()
    this.#telling = undefined
    const names = [...this.#changed]
    const audit = this.#audit
    this.#changed.clear()
    this.#audit = []
    this.#records(names, clock.now())
    for (const link of audit) broker.publish(topics.audit, JSON.stringify(link))
  }

  #act(effect: Effect): void {
    const { log } = this.#o
    if (effect.do === 'update') this.#update(effect.device, effect.resource, effect.push)
    else if (effect.do === 'hot') sayHot(log, effect.hot)
    else if (effect.do === 'log') log[effect.level]({ event: effect.event, ...effect.fields }, effect.event)
  }

  /** Who passes from one lock to the next hears of the next before the first is free: nothing moves in between. */
  #records(names: Iterable<string>, now: number): void {
    const isFree = (name: string): boolean => lockOf(this.#o.fleet, name).state === 'free'
    const all = [...names]
    for (const name of all) if (!isFree(name)) this.#record(name, now)
    for (const name of all) if (isFree(name)) this.#record(name, now)
  }

  readonly #told = new ToldRecords()

  /** At QoS 0: records are published again at each connection, and the heartbeat is the truth. */
  #record(name: string, now: number): void {
    const { broker, topics, fleet } = this.#o
    const record = recordOf(fleet, lockOf(fleet, name), now)
    broker.publish(topics.lock(name), JSON.stringify(record), { retain: true })
    this.#told.note(record)
  }

  /** Publishes the records again that have gone stale without a change of their lock. */
  refresh(now: number): void {
    for (const lock of this.#told.stale(this.#o.fleet)) this.#record(lock, now)
  }

  #update(device: string, resource: string, push: Push | null): void {
    const topic = this.#o.topics.update(deviceName(device), resource)
    const payload = push === null ? '' : JSON.stringify(updateOf(push))
    this.#o.broker.publish(topic, payload, { retain: true, qos: 1 })
  }

  status(status: LocksmithStatus): void {
    this.#o.broker.publish(this.#o.topics.status, JSON.stringify(status), { retain: true })
  }

  /** After a (re)connection the broker may have lost everything, or remember what is no longer true. */
  everything(retainedUpdates: ReadonlySet<string>, now: number): void {
    const { broker, topics, fleet } = this.#o
    this.#records(
      [...fleet.locks.values()].map(({ name }) => name),
      now
    )
    const due = new Set<string>()
    for (const push of fleet.pushes.values()) {
      for (const { device, state } of push.state === 'open' ? push.devices : []) {
        if (state !== 'sent') continue
        due.add(topics.update(deviceName(device), push.resource))
        this.#update(device, push.resource, push)
      }
    }
    for (const topic of retainedUpdates) {
      if (!due.has(topic)) broker.publish(topic, '', { retain: true, qos: 1 })
    }
  }

  /** An answer that could not be heard is refused with words: its sender does not know of pages. */
  answer(to: string, id: string, { data, ...page }: Answer, now: number): void {
    const reply = this.#envelope({ op: 'answer', id, data: data ?? null, ...page }, now)
    const bytes = Buffer.byteLength(reply)
    if (bytes <= MAX_REPLY_BYTES) this.#o.broker.publish(this.#o.topics.reply(to), reply)
    else {
      const message = `the answer has ${bytes} bytes; one message carries at most ${MAX_REPLY_BYTES}`
      this.#refuse(to, { id, code: 'LK-2007', message, why: 'answer-too-large' }, now)
    }
  }

  /** Tells a sender that its request makes no sense: repeating it would not mend that. */
  notUnderstood(to: string, { id, problem }: { id: string; problem: string }, now: number): void {
    this.#refuse(to, { id, code: 'LK-2006', message: problem, why: 'not-understood' }, now)
  }

  #refuse(to: string, { id, code, message, why }: Refused, now: number): void {
    const refusal = { code, message, hint: ERRORS[code].hint, why }
    this.#o.broker.publish(this.#o.topics.reply(to), this.#envelope({ op: 'failed', id, refusal }, now))
  }

  #envelope(said: Readonly<Record<string, unknown>>, now: number): string {
    const { fleet } = this.#o
    const { term, fenceHigh } = fleet.meta
    return JSON.stringify({ ...said, term, rev: fleet.rev, fenceHigh, quietMs: quietLeftMs(fleet, now) })
  }
}

function sayHot(log: Log, { lock, wantedBy, blocker }: Hot): void {
  const { owner, heldMs: ageMs, lastHeardMs, leaseLeftMs, freedBy } = blocker
  const fields = {
    event: 'HOT',
    lock,
    wantedBy,
    owner: owner?.name ?? null,
    boot: owner?.boot ?? null,
    ageMs,
    lastHeardMs,
    leaseLeftMs,
    freedBy
  }
  log.warn(
    fields,
    `HOT ${lock} is wanted by ${wantedBy} and ${whose(blocker.state, owner?.name ?? 'nobody')}`
  )
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
