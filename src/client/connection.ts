import type { PublishOptions } from '../platform/broker.ts'
import { ERRORS, type ErrorCode, LocksmithError } from '../protocol/errors.ts'
import {
  MAX_REPLY_BYTES,
  parsePayload,
  type ReplyOf,
  reply,
  type WireRefusal,
  type WireReply,
  type WireRequest
} from '../protocol/messages.ts'
import { topicsOf } from '../protocol/topics.ts'
import type { ConnectionOptions, FleetConnection } from './types.ts'

/** How long a request waits for its answer before it is repeated. QoS 0 loses messages; ids and numbers make a repeat harmless. */
export const REPEAT_MS = 500

class Handlers<T> {
  readonly #handlers = new Set<(value: T) => void>()

  add(handler: (value: T) => void): () => void {
    this.#handlers.add(handler)
    return () => this.#handlers.delete(handler)
  }

  call(value: T): void {
    for (const handler of [...this.#handlers]) handler(value)
  }
}

/** A refusal that came over the wire, as the error that a caller meets. */
export function errorOf(refusal: WireRefusal): LocksmithError {
  const code = (refusal.code in ERRORS ? refusal.code : 'LK-9001') as ErrorCode
  return new LocksmithError(code, refusal.message, refusal.hint)
}

/** Connects one principal to its fleet, and stays connected until closed. */
export function openFleetConnection(options: ConnectionOptions): FleetConnection {
  const { clock, principal } = options
  const topics = topicsOf(options.fleet)
  const replies = new Handlers<WireReply>()
  const messages = new Handlers<Parameters<Parameters<FleetConnection['onMessage']>[0]>[0]>()
  const ups = new Handlers<void>()
  const downs = new Handlers<string>()
  const mine = topics.reply(principal)

  const broker = options.connect(
    options.will === undefined
      ? { clientId: options.clientId }
      : { clientId: options.clientId, will: options.will },
    {
      connected: () => ups.call(),
      disconnected: (why) => downs.call(why),
      message: (message) => {
        if (message.topic !== mine) return messages.call(message)
        const parsed = parsePayload(reply, message.payload, MAX_REPLY_BYTES)
        // A reply is never retained: one that is was left by somebody else.
        if (parsed.ok && !message.retain) replies.call(parsed.value)
      },
      ...(options.refused === undefined ? {} : { refused: options.refused }),
      ...(options.oversized === undefined ? {} : { oversized: options.oversized })
    }
  )
  broker.subscribe([mine])

  const publish = (topic: string, payload: unknown, publishOptions?: PublishOptions): boolean =>
    broker.publish(topic, payload === '' ? '' : JSON.stringify(payload), publishOptions)
  const send = (request: WireRequest): boolean => publish(topics.request(principal), request)

  function call<Op extends WireReply['op']>(
    request: WireRequest & { id: string },
    op: Op,
    timeoutMs = options.timeoutMs ?? 5000
  ) {
    return new Promise<ReplyOf<Op>>((resolve, reject) => {
      const stop: (() => void)[] = []
      const settle = (act: () => void): void => {
        for (const end of stop) end()
        act()
      }
      stop.push(
        replies.add((answer) => {
          if (!('id' in answer) || answer.id !== request.id) return
          if (answer.op === 'failed') settle(() => reject(errorOf(answer.refusal)))
          else if (answer.op === op) settle(() => resolve(answer as ReplyOf<Op>))
        })
      )
      const deadline = clock.after(timeoutMs, () =>
        settle(() => reject(silence(broker.connected, timeoutMs)))
      )
      stop.push(() => deadline.cancel())
      const repeat = (): void => {
        send(request)
        repeating = clock.after(REPEAT_MS, repeat)
      }
      let repeating = clock.after(REPEAT_MS, repeat)
      stop.push(
        () => repeating.cancel(),
        ups.add(() => send(request))
      )
      send(request)
    })
  }

  return {
    principal,
    topics,
    get connected() {
      return broker.connected
    },
    publish,
    subscribe: (filters) => broker.subscribe(filters),
    send,
    call,
    onReply: (handler) => replies.add(handler),
    onMessage: (handler) => messages.add(handler),
    onConnected: (handler) => ups.add(handler),
    onDisconnected: (handler) => downs.add(handler),
    close: () => broker.close()
  }
}

/** Nobody answered: the broker is away, or Locksmith is. */
export function silence(connected: boolean, timeoutMs: number): LocksmithError {
  return connected
    ? new LocksmithError('LK-6002', `no answer from Locksmith within ${timeoutMs} ms`)
    : new LocksmithError('LK-6001', `no connection to the broker within ${timeoutMs} ms`)
}
