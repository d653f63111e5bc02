import type { Timers } from '../../firmware-bridge/link/line.ts'
import type {
  BrokerConnection,
  BrokerHandlers,
  ConnectBroker,
  ConnectOptions,
  PublishOptions
} from '../../src/platform/broker.ts'

interface Seat {
  readonly options: ConnectOptions
  readonly handlers: BrokerHandlers
  readonly filters: Set<string>
  up: boolean
}

const hopMs = 1

/** A broker on hand-driven time: nothing is lost, everything takes a millisecond, what is retained comes at each subscription. */
export class DeviceBroker {
  readonly retained = new Map<string, string>()
  /** Everything published, in order. */
  readonly seen: { readonly topic: string; readonly payload: string; readonly retain: boolean }[] = []
  /** Messages for which this holds are lost on the way in. */
  lose: (topic: string, payload: string) => boolean = () => false
  readonly #timers: Timers
  readonly #seats = new Set<Seat>()

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** What somebody else publishes. */
  publish(topic: string, payload: string, retain = false): void {
    if (this.lose(topic, payload)) return
    this.seen.push({ topic, payload, retain })
    if (retain && payload === '') this.retained.delete(topic)
    else if (retain) this.retained.set(topic, payload)
    for (const seat of this.#seats) {
      if ([...seat.filters].some((filter) => matches(filter, topic)))
        this.#deliver(seat, topic, payload, false)
    }
  }

  connect: ConnectBroker = (options, handlers) => {
    const seat: Seat = { options, handlers, filters: new Set(), up: false }
    this.#seats.add(seat)
    const filters: string[] = []
    this.#timers.after(hopMs, () => this.#rise(seat, filters))
    const publish = (topic: string, payload: string, { retain }: PublishOptions = {}): boolean => {
      if (!seat.up) return false
      this.#timers.after(hopMs, () => this.publish(topic, payload, retain))
      return true
    }
    const connection: BrokerConnection = {
      get connected() {
        return seat.up
      },
      publish,
      subscribe: (more) => {
        filters.push(...more)
        if (seat.up) for (const filter of more) this.#subscribe(seat, filter)
      },
      close: async () => {
        seat.up = false
        this.#seats.delete(seat)
      }
    }
    return connection
  }

  /** Cuts every connection of a client id; its will is published, and it comes back after `backMs`. */
  cut(clientId: string, backMs: number): void {
    for (const seat of this.#seats) {
      if (seat.options.clientId !== clientId || !seat.up) continue
      const filters = [...seat.filters]
      this.#fall(seat)
      seat.handlers.disconnected?.('cut by the test')
      this.#timers.after(backMs, () => this.#rise(seat, filters))
    }
  }

  /** The client is no more: its will is published. */
  bury(clientId: string): void {
    for (const seat of this.#seats) {
      if (seat.options.clientId !== clientId) continue
      this.#seats.delete(seat)
      this.#fall(seat)
    }
  }

  #fall(seat: Seat): void {
    seat.up = false
    seat.filters.clear()
    const { will } = seat.options
    if (will !== undefined) this.publish(will.topic, will.payload, will.retain)
  }

  #rise(seat: Seat, filters: readonly string[]): void {
    if (!this.#seats.has(seat)) return
    seat.up = true
    seat.handlers.connected?.()
    for (const filter of filters) this.#subscribe(seat, filter)
  }

  #subscribe(seat: Seat, filter: string): void {
    seat.filters.add(filter)
    for (const [topic, payload] of this.retained) {
      if (matches(filter, topic)) this.#deliver(seat, topic, payload, true)
    }
  }

  #deliver(seat: Seat, topic: string, payload: string, retain: boolean): void {
    this.#timers.after(hopMs, () => {
      if (seat.up) seat.handlers.message?.({ topic, payload: Buffer.from(payload), retain })
    })
  }
}

function matches(filter: string, topic: string): boolean {
  const levels = topic.split('/')
  const wanted = filter.split('/')
  return wanted.length === levels.length && wanted.every((level, at) => level === '+' || level === levels[at])
}
