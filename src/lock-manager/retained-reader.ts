import type { BrokerConnection, Message } from '../platform/broker.ts'
import type { Clock } from '../platform/clock.ts'
import type { Topics } from '../protocol/topics.ts'
import { Retained } from './retained.ts'

export interface RetainedReaderOptions {
  readonly broker: BrokerConnection
  readonly topics: Topics
  readonly clock: Clock
  /** Everything that the broker had retained has arrived. */
  readonly read: () => void
}

const AGAIN_MS = 1000

/** Reads what the broker retains, at each connection anew. MQTT marks no end of it: a message of one's own that comes back does. */
export class RetainedReader {
  retained = new Retained()
  readonly #o: RetainedReaderOptions
  #nonce = ''

  constructor(options: RetainedReaderOptions) {
    this.#o = options
  }

  begin(nonce: string): void {
    this.#nonce = nonce
    this.retained = new Retained()
    this.#send(nonce)
  }

  take(message: Message): void {
    if (message.retain) this.retained.take(this.#o.topics, message)
  }

  cameBack(nonce: string): void {
    if (nonce !== this.#nonce) return
    this.#nonce = ''
    this.#o.read()
  }

  stop(): void {
    this.#nonce = ''
  }

  /** Repeated until it comes back: QoS 0 may lose it, and nothing is granted before. */
  #send(nonce: string): void {
    if (nonce === '' || nonce !== this.#nonce) return
    this.#o.broker.publish(this.#o.topics.sentinel(nonce), '{}')
    this.#o.clock.after(AGAIN_MS, () => this.#send(nonce))
  }
}
