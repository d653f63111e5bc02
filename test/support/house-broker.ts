import type {
  BrokerConnection,
  BrokerHandlers,
  ConnectBroker,
  ConnectOptions,
  Message,
  PublishOptions
} from '../../src/platform/broker.ts'
import type { Clock } from '../../src/platform/clock.ts'

export interface Posted {
  readonly from: string
  readonly topic: string
  readonly payload: string
  readonly qos: 0 | 1
  readonly retain: boolean
}

/** A broker in this process: messages arrive at once and in order, unless a test loses, holds back or cuts. */
export class HouseBroker {
  /** Every message that reached the broker. */
  readonly posted: Posted[] = []
  readonly retained = new Map<string, string>()
  /** Messages at QoS 0 for which it says true are lost on their way to this client (or, with an empty name, to the broker). */
  loses: (to: string, message: Posted) => boolean = () => false
  readonly #clock: Clock
  readonly #seats = new Set<Seat>()
  #up = true
  #queue: (() => void)[] = []
  #draining = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get up(): boolean {
    return this.#up
  }

  readonly connect: ConnectBroker = (options, handlers) => {
    const seat = new Seat(this, options, handlers)
    this.#seats.add(seat)
    this.#clock.after(0, () => seat.tryOpen())
    return seat
  }

  /** Everybody loses the connection; what was retained is kept or lost. */
  stop(forgets = false): void {
    this.#up = false
    if (forgets) this.retained.clear()
    for (const seat of this.#seats) seat.lose('the broker is gone')
  }

  start(): void {
    this.#up = true
    for (const seat of this.#seats) this.#clock.after(0, () => seat.tryOpen())
  }

  /** As a process that died: its connection is gone and its will is published. */
  kill(clientId: string): void {
    for (const seat of [...this.#seats]) {
      if (seat.options.clientId !== clientId) continue
      this.#seats.delete(seat)
      seat.die()
      const { will } = seat.options
      if (will !== undefined) this.publish(clientId, { ...will, qos: 0 })
    }
  }

  /** Nothing reaches this client until it is let go on; nothing is lost. */
  hold(clientId: string): () => void {
    const held = [...this.#seats].filter((seat) => seat.options.clientId === clientId)
    for (const seat of held) seat.held = []
    return () => {
      for (const seat of held) seat.letGo()
    }
  }

  forget(seat: Seat): void {
    this.#seats.delete(seat)
  }

  publish(from: string, sent: Omit<Posted, 'from'>): void {
    const message: Posted = { from, ...sent }
    if (message.qos === 0 && this.loses('', message)) return
    this.posted.push(message)
    if (message.retain) {
      if (message.payload === '') this.retained.delete(message.topic)
      else this.retained.set(message.topic, message.payload)
    }
    for (const seat of this.#seats) this.deliver(seat, message, false)
  }

  deliver(seat: Seat, message: Posted, stored: boolean): void {
    if (!seat.connected || !seat.wants(message.topic)) return
    if (message.qos === 0 && !stored && this.loses(seat.options.clientId, message)) return
    const { topic, payload } = message
    this.#queue.push(() => seat.receive({ topic, payload: Buffer.from(payload), retain: stored }))
    this.#drain()
  }

  /** `first` runs before any of the messages that `then` has delivered, and those before any that `first` caused. */
  inOrder(first: () => void, then: () => void): void {
    this.#queue.push(first)
    const draining = this.#draining
    this.#draining = true
    then()
    this.#draining = draining
    this.#drain()
  }

  #drain(): void {
    if (this.#draining) return
    this.#draining = true
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) next()
    this.#draining = false
  }

  /** What was sent on this topic, as JSON. */
  sentOn(topic: string): Record<string, unknown>[] {
    return this.posted
      .filter((message) => message.topic === topic && message.payload !== '')
      .map((message) => JSON.parse(message.payload) as Record<string, unknown>)
  }
}

class Seat implements BrokerConnection {
  readonly options: ConnectOptions
  held: Message[] | undefined
  readonly #broker: HouseBroker
  readonly #handlers: BrokerHandlers
  readonly #filters: string[] = []
  #connected = false
  #closed = false

  constructor(broker: HouseBroker, options: ConnectOptions, handlers: BrokerHandlers) {
    this.#broker = broker
    this.options = options
    this.#handlers = handlers
  }

  get connected(): boolean {
    return this.#connected
  }

  tryOpen(): void {
    if (this.#closed || this.#connected || !this.#broker.up) return
    this.#connected = true
    // Subscriptions are renewed first: what is retained comes before the echo of anything sent now.
    this.#broker.inOrder(
      () => this.#handlers.connected?.(),
      () => this.#sendRetained([...this.#filters])
    )
  }

  lose(why: string): void {
    if (!this.#connected) return
    this.#connected = false
    this.#handlers.disconnected?.(why)
  }

  die(): void {
    this.#connected = false
    this.#closed = true
  }

  wants(topic: string): boolean {
    return this.#filters.some((filter) => matches(filter, topic))
  }

  receive(message: Message): void {
    if (!this.#connected) return
    if (this.held === undefined) this.#handlers.message?.(message)
    else this.held.push(message)
  }

  letGo(): void {
    const held = this.held ?? []
    this.held = undefined
    for (const message of held) this.#handlers.message?.(message)
  }

  publish(topic: string, payload: string, { qos = 0, retain = false }: PublishOptions = {}): boolean {
    if (!this.#connected) return false
    this.#broker.publish(this.options.clientId, { topic, payload, qos, retain })
    return true
  }

  subscribe(filters: readonly string[]): void {
    this.#filters.push(...filters)
    if (this.#connected) this.#sendRetained(filters)
  }

  #sendRetained(filters: readonly string[]): void {
    for (const [topic, payload] of this.#broker.retained) {
      if (filters.some((filter) => matches(filter, topic)))
        this.#broker.deliver(this, { from: '', topic, payload, qos: 0, retain: true }, true)
    }
  }

  async close(): Promise<void> {
    this.die()
    this.#broker.forget(this)
  }
}

function matches(filter: string, topic: string): boolean {
  const wanted = filter.split('/')
  const levels = topic.split('/')
  return wanted.length === levels.length && wanted.every((level, at) => level === '+' || level === levels[at])
}
