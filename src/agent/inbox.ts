import type { Message } from '../platform/broker.ts'
import { LocksmithError } from '../protocol/errors.ts'
import { parsePayload, type Update, update } from '../protocol/messages.ts'

/** What a message on an update topic means. */
export type Incoming =
  | { readonly kind: 'update'; readonly update: Update }
  | { readonly kind: 'withdrawn' }
  | { readonly kind: 'malformed'; readonly push: string; readonly error: LocksmithError }

/** Reads one. A message that is no update is answered under the push that it names, if it names one. */
export function readUpdate(message: Message, resource: string): Incoming {
  if (message.payload.length === 0) return { kind: 'withdrawn' }
  const parsed = parsePayload(update, message.payload)
  if (!parsed.ok) {
    return {
      kind: 'malformed',
      push: pushIn(message.payload),
      error: new LocksmithError('LK-2006', parsed.problem)
    }
  }
  if (parsed.value.resource !== resource) {
    const problem = `the update of ${parsed.value.resource} came on the topic of ${resource}`
    return { kind: 'malformed', push: parsed.value.push, error: new LocksmithError('LK-2006', problem) }
  }
  return { kind: 'update', update: parsed.value }
}

/** Nothing larger is looked into. */
const LOOK_BYTES = 300 * 1024

function pushIn(payload: Uint8Array): string {
  if (payload.length > LOOK_BYTES) return 'unknown'
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(payload))
    const push = typeof json === 'object' && json !== null && 'push' in json ? json.push : undefined
    return typeof push === 'string' && push.length > 0 && push.length <= 64 ? push : 'unknown'
  } catch {
    return 'unknown'
  }
}

/** Updates that wait for their turn: one per resource, the newest; in the order of their coming. */
export class Inbox {
  readonly #waiting = new Map<string, Update>()

  put(update: Update): void {
    this.#waiting.delete(update.resource)
    this.#waiting.set(update.resource, update)
  }

  /** Behind the others, unless a newer one of its resource has come. */
  putBack(update: Update): void {
    if (!this.#waiting.has(update.resource)) this.#waiting.set(update.resource, update)
  }

  withdraw(resource: string): void {
    this.#waiting.delete(resource)
  }

  has(push: string): boolean {
    return [...this.#waiting.values()].some((update) => update.push === push)
  }

  /** Those under a lock that is held already go first: its owner, and everybody below it, waits for them. */
  take(): Update | undefined {
    const all = [...this.#waiting.values()]
    const next = all.find((update) => update.under !== null) ?? all[0]
    if (next !== undefined) this.#waiting.delete(next.resource)
    return next
  }
}
