import type { BrokerConnection, BrokerHandlers, ConnectOptions, Message, PublishOptions } from './broker.ts'
import { type BrokerAddress, parseBrokerAddress } from './broker-address.ts'
import { type Link, openLink, type TlsFiles } from './mqtt-link.ts'
import { type Attempt, type Backoff, type Ending, firstAttempt, nextAttempt } from './reconnect-plan.ts'

export { BrokerAddressError } from './broker-address.ts'
export type { TlsFiles } from './mqtt-link.ts'

export interface MqttOptions {
  readonly tls?: TlsFiles
  /** A broker that is frozen is noticed after one and a half times this. */
  readonly keepaliveSeconds?: number
  /** For each attempt, from the first packet to the broker's first answer. */
  readonly answerMs?: number
  readonly backoff?: Backoff
  /** From 0 to 1; spreads the reconnections of a fleet. */
  readonly random?: () => number
}

export interface MqttConnection extends BrokerConnection {
  /** Messages above 1 MiB, which were dropped unread. */
  readonly oversized: number
}

export type ConnectMqtt = (options: ConnectOptions, handlers: BrokerHandlers) => MqttConnection

const largestPayloadBytes = 1024 * 1024
const closeWithinMs = 1000
const defaults = {
  tls: {},
  keepaliveSeconds: 5,
  answerMs: 5000,
  backoff: { firstMs: 100, longestMs: 2000 },
  random: Math.random
} as const satisfies Required<MqttOptions>

/**
 * Connections to the broker at `url` (`mqtt://` or `mqtts://`, user name and password in it if need be). MQTT 5 where
 * the broker speaks it, else 3.1.1. An open connection keeps the process alive until it is closed.
 *
 * @throws BrokerAddressError at once when the address cannot be used
 */
export function connectBroker(url: string, extra: MqttOptions = {}): ConnectMqtt {
  const address = parseBrokerAddress(url)
  const settings = { ...defaults, ...extra }
  return (options, handlers) => new KeptConnection({ address, settings, options, handlers })
}

interface Parts {
  readonly address: BrokerAddress
  readonly settings: Required<MqttOptions>
  readonly options: ConnectOptions
  readonly handlers: BrokerHandlers
}

class KeptConnection implements MqttConnection {
  readonly #parts: Parts
  readonly #filters = new Set<string>()
  #attempt: Attempt = firstAttempt
  #link: Link | undefined
  #up = false
  #oversized = 0
  #lastWhy = ''
  #timer: NodeJS.Timeout

  constructor(parts: Parts) {
    this.#parts = parts
    this.#timer = setTimeout(() => this.#open(), 0)
  }

  get connected(): boolean {
    return this.#up
  }

  get oversized(): number {
    return this.#oversized
  }

  publish(topic: string, payload: string, options: PublishOptions = {}): boolean {
    return this.#up && (this.#link?.publish(topic, payload, options) ?? false)
  }

  subscribe(filters: readonly string[]): void {
    const added = filters.filter((filter) => !this.#filters.has(filter))
    for (const filter of added) this.#filters.add(filter)
    if (this.#up) this.#link?.subscribe(added)
  }

  async close(): Promise<void> {
    this.#up = false
    clearTimeout(this.#timer)
    await this.#link?.close(closeWithinMs)
  }

  #open(): void {
    const { address, settings, options, handlers } = this.#parts
    const plan = {
      address,
      tls: settings.tls,
      version: this.#attempt.version,
      clientId: options.clientId,
      will: options.will,
      keepaliveSeconds: settings.keepaliveSeconds,
      answerMs: settings.answerMs
    }
    this.#link = openLink(plan, {
      up: () => this.#connected(),
      down: (ending, why) => this.#lost(ending, why),
      refused: (filter, why) => handlers.refused?.(filter, why),
      denied: (topic, why) => handlers.denied?.(topic, why),
      message: (message) => {
        if (message.payload.length > largestPayloadBytes) this.#drop(message)
        else handlers.message?.(message)
      }
    })
  }

  #drop({ topic, payload }: Message): void {
    this.#oversized += 1
    this.#parts.handlers.oversized?.(topic, payload.length)
  }

  #connected(): void {
    this.#up = true
    this.#lastWhy = ''
    this.#link?.subscribe([...this.#filters])
    this.#parts.handlers.connected?.()
  }

  #lost(ending: Ending, why: string): void {
    const { backoff, random } = this.#parts.settings
    const wasUp = this.#up
    this.#up = false
    this.#link = undefined
    const trySwapped = ending.kind === 'version' && !this.#attempt.swapped
    this.#attempt = nextAttempt(this.#attempt, ending, backoff, random())
    this.#timer = setTimeout(() => this.#open(), this.#attempt.delayMs)
    if (trySwapped || (!wasUp && why === this.#lastWhy)) return
    this.#lastWhy = why
    this.#parts.handlers.disconnected?.(why)
  }
}
