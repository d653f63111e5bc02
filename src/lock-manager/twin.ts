import type { Message } from '../platform/broker.ts'
import { type LocksmithStatus, locksmithStatus, parsePayload } from '../protocol/messages.ts'

/** A status that came over the broker; undefined when it cannot be understood. */
export function statusIn(message: Message): LocksmithStatus | undefined {
  if (message.payload.length === 0) return undefined
  const parsed = parsePayload(locksmithStatus, message.payload)
  return parsed.ok ? parsed.value : undefined
}

/** Why this Locksmith ends, in a sentence. */
export function takenOverBy(
  { instance, life, term }: LocksmithStatus,
  own: { readonly instance: string; readonly term: number }
): string {
  const isCopy = instance === own.instance
  const other = isCopy ? `Locksmith ${life}, on a copy of this store,` : `Locksmith ${instance}`
  return `${other} serves this fleet under term ${term}, this one began earlier (term ${own.term}): two would grant the same locks, so this one ends`
}
