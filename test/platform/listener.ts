import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import type { BrokerHandlers, ConnectOptions } from '../../src/platform/broker.ts'
import { connectBroker, type MqttConnection, type MqttOptions } from '../../src/platform/mqtt-connection.ts'
import { createRecorder, type Recorder } from '../support/wait.ts'

export interface Happening {
  readonly kind: 'connected' | 'disconnected' | 'message' | 'refused' | 'denied' | 'oversized'
  readonly topic?: string
  readonly text?: string
  readonly retain?: boolean
}

/** A connection that records what it is told. */
export interface Listener {
  readonly connection: MqttConnection
  readonly events: Recorder<Happening>
  /** What arrived so far on a topic. */
  heard(topic: string): readonly string[]
  /** Waits for the n-th connection, 1 for the first. */
  connectedTimes(n: number): Promise<void>
  message(topic: string, text: string): Promise<Happening>
}

const quick: MqttOptions = { keepaliveSeconds: 1, answerMs: 1500, backoff: { firstMs: 20, longestMs: 200 } }

/** Closed when the test ends, and the test fails if that does not happen in time. */
export function listenTo(
  t: TestContext,
  url: string,
  options: Partial<ConnectOptions> & { readonly mqtt?: MqttOptions } = {}
): Listener {
  const events = createRecorder<Happening>()
  const { mqtt, ...connect } = options
  const connection = connectBroker(url, { ...quick, ...mqtt })(
    { clientId: `test-${randomUUID()}`, ...connect },
    recording(events)
  )
  t.after(() => connection.close())
  const ofKind = (kind: Happening['kind']): readonly Happening[] =>
    events.all.filter((event) => event.kind === kind)
  return {
    connection,
    events,
    heard: (topic) => ofKind('message').flatMap((event) => (event.topic === topic ? [event.text ?? ''] : [])),
    connectedTimes: async (n) => {
      await events.next(`connection ${n}`, (event) => ofKind('connected')[n - 1] === event)
    },
    message: (topic, text) =>
      events.next(`"${text}" on ${topic}`, (event) => event.topic === topic && event.text === text)
  }
}

function recording(events: Recorder<Happening>): BrokerHandlers {
  return {
    connected: () => events.add({ kind: 'connected' }),
    disconnected: (why) => events.add({ kind: 'disconnected', text: why }),
    refused: (topic, why) => events.add({ kind: 'refused', topic, text: why }),
    denied: (topic, why) => events.add({ kind: 'denied', topic, text: why }),
    oversized: (topic, bytes) => events.add({ kind: 'oversized', topic, text: `${bytes} bytes` }),
    message: ({ topic, payload, retain }) =>
      events.add({ kind: 'message', topic, text: Buffer.from(payload).toString(), retain })
  }
}
