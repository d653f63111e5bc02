import type { ConnectBroker, Will } from '../../platform/broker.ts'
import type { Dice } from '../dice.ts'
import type { History } from '../history.ts'
import type { Life } from '../life.ts'
import type { Timeline } from '../timeline.ts'
import { Client } from './client.ts'
import { matches } from './filter.ts'
import { calmed, delayMs, type Weather } from './network.ts'
import { Subscriptions } from './subscriptions.ts'

export interface BrokerOptions {
  readonly timeline: Timeline
  readonly dice: Dice
  readonly history: History
  readonly weather: Weather
}

/** What the broker knows of one connection. */
export interface Seat {
  readonly clientId: string
  readonly will: Will | undefined
  readonly filters: Set<string>
  /** Hands a message to the client's end of the connection. */
  readonly receive: (message: Sent) => void
  /** Tells the client's end that the connection is over. */
  readonly dropped: (why: string) => void
}

export interface Sent {
  readonly topic: string
  readonly payload: Uint8Array
  readonly text: string
  readonly qos: 0 | 1
  readonly retain: boolean
}

/** What a storm makes of the weather. */
export type Storm = Pick<Weather, 'loss' | 'duplicates' | 'late' | 'latestMs'>

/** Notices a silent client after one and a half times its keepalive. */
export const KEEPALIVE_OVER_MS = 7500

/**
 * An MQTT broker without a network: retained messages, `+` filters, wills, one connection per client id. It may lose, delay
 * and repeat what QoS allows, and topics overtake each other; messages of one topic, and what is retained at a subscription,
 * stay in order.
 */
export class VirtualBroker {
  readonly options: BrokerOptions
  #weather: Weather
  #up = true
  #retained = new Map<string, Sent>()
  #backup = new Map<string, Sent>()
  readonly #seats = new Map<string, Seat>()
  readonly #subscriptions = new Subscriptions()
  readonly #clients = new Set<Client>()
  readonly #clientsOf = new Map<Life, Client[]>()
  /** The first will of each client id. */
  readonly #oldWills = new Map<string, Will>()
  #storm: Storm | undefined

  constructor(options: BrokerOptions) {
    this.options = options
    this.#weather = options.weather
  }

  get weather(): Weather {
    return this.#storm === undefined ? this.#weather : { ...this.#weather, ...this.#storm }
  }

  get stormy(): boolean {
    return this.#storm !== undefined
  }

  /** Bad weather for everybody, until it is called off. */
  storm(storm: Storm | undefined): void {
    this.#storm = storm
  }

  /** Some of what is retained is gone. Returns how much. */
  forget(dice: Dice): number {
    const gone = [...this.#retained.keys()].filter(() => dice.chance(0.3))
    for (const topic of gone) this.#retained.delete(topic)
    return gone.length
  }

  /** The will of an earlier connection of this agent comes late. False when there is none. */
  publishOldWill(name: string): boolean {
    const [, will] = [...this.#oldWills].find(([clientId]) => clientId.endsWith(`-${name}`)) ?? []
    if (will === undefined || !this.#up) return false
    this.#publishWill(will)
    return true
  }

  /** What is retained under a topic. */
  retained(topic: string): string | undefined {
    return this.#retained.get(topic)?.text
  }

  /** The network behaves from now on. */
  becalm(): void {
    this.#weather = calmed(this.#weather)
    this.#storm = undefined
    for (const client of this.#clients) client.mend()
  }

  get up(): boolean {
    return this.#up
  }

  /** For one process. Clients of dead processes are noticed as the broker notices them. */
  connector(life: Life): ConnectBroker {
    return (options, handlers) => {
      const client = new Client({ broker: this, life, options, handlers })
      this.#clients.add(client)
      this.#clientsOf.set(life, [...this.clientsOf(life), client])
      life.onEnd(() => {
        this.#clientsOf.delete(life)
        this.#clients.delete(client)
        client.died()
      })
      return client
    }
  }

  /** The connections of one process. */
  clientsOf(life: Life): readonly Client[] {
    return this.#clientsOf.get(life) ?? []
  }

  get clients(): readonly Client[] {
    return [...this.#clients]
  }

  /** Saves what is retained, as brokers do now and then. */
  save(): void {
    this.#backup = new Map(this.#retained)
  }

  crash(): void {
    this.#up = false
    const seats = [...this.#seats.values()]
    for (const seat of seats) this.#subscriptions.remove(seat)
    this.#seats.clear()
    for (const seat of seats) seat.dropped('the broker is gone')
  }

  /** Retained messages are as they were, those of the last save, or none. */
  restart(memory: 'kept' | 'saved' | 'empty'): void {
    if (memory === 'saved') this.#retained = new Map(this.#backup)
    else if (memory === 'empty') this.#retained = new Map()
    this.#up = true
  }

  // Called by clients, once their packets have arrived

  take(seat: Seat): void {
    const earlier = this.#seats.get(seat.clientId)
    if (earlier !== undefined) this.#subscriptions.remove(earlier)
    earlier?.dropped('another connection took this client id')
    this.#seats.set(seat.clientId, seat)
    if (seat.will !== undefined && !this.#oldWills.has(seat.clientId))
      this.#oldWills.set(seat.clientId, seat.will)
  }

  has(seat: Seat): boolean {
    return this.#seats.get(seat.clientId) === seat
  }

  subscribe(seat: Seat, filters: readonly string[]): void {
    for (const filter of filters) {
      seat.filters.add(filter)
      this.#subscriptions.add(filter, seat)
    }
    const named = new Set(filters)
    const wide = filters.filter((filter) => filter.includes('+'))
    for (const sent of wide.length === 0 ? this.#retainedAt(filters) : this.#retained.values()) {
      const wanted = named.has(sent.topic) || wide.some((filter) => matches(filter, sent.topic))
      if (wanted) seat.receive({ ...sent, retain: true })
    }
  }

  #retainedAt(topics: readonly string[]): readonly Sent[] {
    return topics.flatMap((topic) => this.#retained.get(topic) ?? [])
  }

  publish(sent: Sent): void {
    if (sent.retain) {
      if (sent.text === '') this.#retained.delete(sent.topic)
      else this.#retained.set(sent.topic, sent)
    }
    for (const seat of this.#subscriptions.of(sent.topic)) seat.receive({ ...sent, retain: false })
  }

  /** A connection ends; its will is published unless it said goodbye. */
  leave(seat: Seat, clean: boolean): void {
    if (!this.has(seat)) return
    this.#seats.delete(seat.clientId)
    this.#subscriptions.remove(seat)
    const { will } = seat
    if (clean || will === undefined || !this.#up) return
    this.#publishWill(will)
  }

  #publishWill({ topic, payload, retain }: Will): void {
    this.options.history.record(`will ${topic}`)
    this.publish({ topic, payload: Buffer.from(payload), text: payload, qos: 0, retain })
  }

  delayMs(dice: Dice): number {
    return delayMs(this.weather, dice)
  }
}
