import { connect, type ErrorWithReasonCode, type IClientOptions, type MqttClient } from 'mqtt'
import type { Message, PublishOptions, Will } from './broker.ts'
import type { BrokerAddress } from './broker-address.ts'
import { brokerTrouble } from './broker-trouble.ts'
import type { Ending, ProtocolVersion } from './reconnect-plan.ts'

/** Certificates for `mqtts://`, in PEM. `cert` and `key` identify this client. */
export interface TlsFiles {
  readonly ca?: string | Buffer
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
}

export interface LinkPlan {
  readonly address: BrokerAddress
  readonly tls: TlsFiles
  readonly version: ProtocolVersion
  readonly clientId: string
  readonly will: Will | undefined
  readonly keepaliveSeconds: number
  /** For the TCP connection and the broker's first answer together. */
  readonly answerMs: number
}

export interface LinkEvents {
  up(): void
  message(message: Message): void
  refused(filter: string, why: string): void
  denied(topic: string, why: string): void
  /** Once, at the end of a link that was not closed from this side. */
  down(ending: Ending, why: string): void
}

/** One connection to a broker, from its beginning to its end. A new one has a new client: nothing of the old is repeated. */
export interface Link {
  publish(topic: string, payload: string, options: PublishOptions): boolean
  subscribe(filters: readonly string[]): void
  close(withinMs: number): Promise<void>
}

/** What may wait in the socket of a broker that does not read before a publication counts as not sent. */
const largestBacklogBytes = 1024 * 1024
/** An MQTT 5 broker does not send what is larger. */
const maximumPacketSize = 4 * 1024 * 1024
/** MQTT 3.1.1 table 3.1 and MQTT 5 section 3.2.2.2. */
const unsupportedVersion: ReadonlySet<unknown> = new Set([1, 132])

/** Begins to connect. Never throws: what goes wrong is told through `events.down`. */
export function openLink(plan: LinkPlan, events: LinkEvents): Link {
  return new MqttLink(plan, events)
}

class MqttLink implements Link {
  readonly #plan: LinkPlan
  readonly #events: LinkEvents
  readonly #client: MqttClient
  readonly #answerTimer: NodeJS.Timeout
  #reached = false
  #upSince: number | undefined
  #ended = false
  #trouble: Error | undefined

  constructor(plan: LinkPlan, events: LinkEvents) {
    this.#plan = plan
    this.#events = events
    this.#client = connect(clientOptions(plan))
    this.#answerTimer = setTimeout(() => this.#giveUp(), plan.answerMs)
    this.#listen()
    try {
      this.#client.connect()
      noDelay(this.#client)
      this.#client.stream.once(plan.address.protocol === 'mqtts' ? 'secureConnect' : 'connect', () => {
        this.#reached = true
      })
    } catch (error) {
      this.#trouble = new Error(`our own certificate or key cannot be used: ${error}`)
      setImmediate(() => this.#finish())
    }
  }

  publish(topic: string, payload: string, options: PublishOptions): boolean {
    if (this.#upSince === undefined || this.#ended) return false
    if (this.#client.stream.writableLength > largestBacklogBytes) return false
    const { qos = 0, retain = false } = options
    this.#client.publish(topic, payload, { qos, retain }, (error) => {
      if (error !== undefined && error !== null && 'code' in error && typeof error.code === 'number') {
        this.#events.denied(topic, error.message)
      }
    })
    return true
  }

  subscribe(filters: readonly string[]): void {
    if (this.#upSince === undefined || this.#ended || filters.length === 0) return
    this.#client.subscribe([...filters], { qos: 1 }, (error, _requested, answer) => {
      if (error === null || this.#ended) return
      const codes = answer?.granted ?? []
      filters.forEach((filter, at) => {
        if (codes.length === 0 || Number(codes[at]) >= 128) this.#events.refused(filter, error.message)
      })
    })
  }

  close(withinMs: number): Promise<void> {
    const wasOpen = !this.#ended && this.#client.stream !== undefined
    this.#stop()
    if (!wasOpen || this.#client.stream.destroyed) return Promise.resolve()
    return new Promise((resolve) => {
      const overdue = setTimeout(() => this.#client.stream.destroy(), withinMs)
      this.#client.stream.once('close', () => {
        clearTimeout(overdue)
        resolve()
      })
      this.#client.end(this.#upSince === undefined)
    })
  }

  #listen(): void {
    const client = this.#client
    client.on('error', (error) => {
      this.#trouble ??= error
    })
    client.on('disconnect', (packet) => {
      this.#trouble ??= Object.assign(new Error('the broker ended the connection'), {
        code: packet.reasonCode
      })
    })
    client.on('connect', () => this.#up())
    client.on('message', (topic, payload, packet) => {
      if (!this.#ended) this.#events.message({ topic, payload, retain: packet.retain })
    })
    client.on('close', () => this.#finish())
  }

  #up(): void {
    if (this.#ended) return
    clearTimeout(this.#answerTimer)
    this.#upSince = performance.now()
    this.#events.up()
  }

  #giveUp(): void {
    this.#reached = false
    this.#trouble ??= new Error(`no answer within ${this.#plan.answerMs} ms`)
    const { stream } = this.#client
    if (stream === undefined || stream.destroyed) this.#finish()
    else stream.destroy()
  }

  #finish(): void {
    if (this.#ended) return
    this.#stop()
    this.#events.down(this.#ending(), brokerTrouble(this.#trouble, this.#plan.address))
  }

  #ending(): Ending {
    if (this.#upSince !== undefined) return { kind: 'lost', livedMs: performance.now() - this.#upSince }
    const code = (this.#trouble as ErrorWithReasonCode | undefined)?.code
    const cutOff = this.#reached && typeof code !== 'number'
    return { kind: cutOff || unsupportedVersion.has(code) ? 'version' : 'failed' }
  }

  #stop(): void {
    this.#ended = true
    clearTimeout(this.#answerTimer)
  }
}

function clientOptions(plan: LinkPlan): IClientOptions {
  const { address, will } = plan
  return {
    ...plan.tls,
    ...address,
    protocolVersion: plan.version,
    clientId: plan.clientId,
    clean: true,
    keepalive: plan.keepaliveSeconds,
    connectTimeout: plan.answerMs,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    manualConnect: true,
    ...(plan.version === 5 ? { properties: { maximumPacketSize } } : {}),
    ...(will === undefined
      ? {}
      : { will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: will.retain } })
  }
}

/** Nagle's algorithm costs 40 ms a round trip; mqtt.js has no option for it, so each new socket is told. */
function noDelay(client: MqttClient): void {
  const { stream } = client
  if ('setNoDelay' in stream && typeof stream.setNoDelay === 'function') stream.setNoDelay(true)
}
