import type { BrokerConnection, ConnectBroker, Message } from '../../../src/platform/broker.ts'
import type { AgentState, Update, WireReply, WireRequest } from '../../../src/protocol/messages.ts'
import { type Topic, topicsOf } from '../../../src/protocol/topics.ts'
import type { Life } from '../../../src/simulation/parts.ts'
import type { Transcript } from './transcript.ts'
import { fenced, Names, sayRecord, sayReply, sayRequest } from './words.ts'

export const FLEET = 'plant'
export const topics = topicsOf(FLEET)

/** What comes later than this is told with its age. */
const LATE_MS = 1000

export interface Seen {
  readonly from: string
  readonly topic: Topic
  /** Its `op`, or the kind of its topic. */
  readonly op: string
  readonly json: unknown
}

/** A message that gets lost on its way, or comes late: what the story wants of the line of one process. */
export interface Mishap {
  readonly of: string
  readonly way: 'up' | 'down'
  readonly hits: (seen: Seen) => boolean
  left: number
}

/** Listens at every connection, and tells what crosses it. */
export class Tap {
  readonly #transcript: Transcript
  readonly #now: () => number
  readonly #names = new Names()
  readonly #sentAt = new Map<string, number>()
  readonly #mishaps: Mishap[] = []

  constructor(transcript: Transcript, now: () => number) {
    this.#transcript = transcript
    this.#now = now
  }

  /** The next messages that fit do not arrive. */
  lose(of: string, way: Mishap['way'], hits: Mishap['hits'], times = 1): void {
    this.#mishaps.push({ of, way, hits, left: times })
  }

  listen(life: Life, connect: ConnectBroker): ConnectBroker {
    return (options, handlers) => {
      let before = false
      const inner = connect(options, {
        ...handlers,
        connected: () => {
          if (before) this.#transcript.add(`line:${life.host}`, life.host, 'is connected to the broker again')
          before = true
          handlers.connected?.()
        },
        disconnected: (why) => {
          if (before)
            this.#transcript.add(`line:${life.host}`, life.host, `loses its connection to the broker: ${why}`)
          handlers.disconnected?.(why)
        },
        message: (message) => {
          if (this.#hears(life, message)) handlers.message?.(message)
        }
      })
      const connection: BrokerConnection = {
        get connected() {
          return inner.connected
        },
        publish: (topic, payload, publishOptions) => {
          if (!inner.connected) return false
          return this.#sends(life, topic, payload) ? inner.publish(topic, payload, publishOptions) : true
        },
        subscribe: (filters) => inner.subscribe(filters),
        close: () => inner.close()
      }
      return connection
    }
  }

  #sends(life: Life, topic: string, payload: string): boolean {
    const seen = this.#look(life.host, topic, payload)
    if (seen === undefined) return true
    this.#sentAt.set(`${topic} ${payload}`, this.#now())
    const lost = this.#strikes(life.host, 'up', seen)
    this.#tell(life.host, seen, lost ? '(lost) ' : '')
    return !lost
  }

  #hears(life: Life, { topic, payload, retain }: Message): boolean {
    const text = Buffer.from(payload).toString()
    const seen = this.#look(life.host, topic, text)
    if (seen === undefined) return true
    const key = `${keyOf(seen)}:${life.host}`
    if (this.#strikes(life.host, 'down', seen)) {
      this.#transcript.add(`lost:${key}`, life.host, `does not hear: ${this.#words(seen)}`)
      return false
    }
    const ageMs = this.#now() - (this.#sentAt.get(`${topic} ${text}`) ?? this.#now())
    if (retain) this.#transcript.add(`retained:${key}`, life.host, `< (retained) ${this.#words(seen)}`)
    else if (ageMs > LATE_MS) {
      const age = `${(ageMs / 1000).toFixed(1)} s late`
      this.#transcript.add(`late:${key}`, life.host, `< (${age}) ${this.#words(seen)}`)
    }
    return true
  }

  #strikes(of: string, way: Mishap['way'], seen: Seen): boolean {
    const mishap = this.#mishaps.find(
      (one) => one.of === of && one.way === way && one.left > 0 && one.hits(seen)
    )
    if (mishap === undefined) return false
    mishap.left -= 1
    return true
  }

  #look(from: string, topic: string, payload: string): Seen | undefined {
    const parsed = topics.parse(topic)
    if (parsed === undefined) return undefined
    const json: unknown = payload === '' ? undefined : JSON.parse(payload)
    const op = (json as { op?: string } | undefined)?.op ?? parsed.kind
    return { from, topic: parsed, op: parsed.kind === 'lock' ? 'record' : op, json }
  }

  #tell(who: string, seen: Seen, remark: string): void {
    this.#transcript.add(`wire:${keyOf(seen)}:${who}`, who, `> ${remark}${this.#words(seen)}`)
  }

  #words({ topic, json }: Seen): string {
    switch (topic.kind) {
      case 'request':
        return sayRequest(json as WireRequest, this.#names)
      case 'reply':
        return `${topic.principal}: ${sayReply(json as WireReply, this.#names)}`
      case 'lock':
        return json === undefined ? `no record of ${topic.lock}` : `record ${sayRecord(json as never)}`
      case 'update':
        return sayUpdate(topic, json as Update | undefined)
      case 'status': {
        const { term, up, fenceLimit, fenceHigh } = json as Record<string, unknown>
        return `status: term ${term}, ${up ? 'up' : 'down'}, granted up to ${fenceHigh}, reserved below ${fenceLimit}`
      }
      case 'agent':
        return json === undefined ? 'no state' : sayState(json as AgentState)
      default:
        return topic.kind
    }
  }
}

const keyOf = (seen: Seen): string =>
  `${seen.op}:${seen.topic.kind === 'reply' ? seen.topic.principal : seen.from}`

const sayState = ({ online, state, device }: AgentState): string =>
  `state of ${device}: ${online ? `online, ${state}` : 'offline'}`

function sayUpdate({ device, resource }: { device: string; resource: string }, update: Update | undefined) {
  if (update === undefined) return `${device}: no update of ${resource} any more`
  const under = update.under === null ? '' : `, under ${fenced([update.under])}`
  return `${device}: update ${resource} version ${update.version}${under}`
}
