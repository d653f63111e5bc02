import type { Message } from '../platform/broker.ts'
import { type LocksmithStatus, locksmithStatus, parsePayload } from '../protocol/messages.ts'

/** A status that came over the broker; undefined when it cannot be understood. */
export function statusIn(message: Message): LocksmithStatus | undefined {
  if (message.payload.length === 0) return undefined
  const parsed = parsePayload(locksmithStatus, message.payload)
  return parsed.ok ? parsed.value : undefined
}

/** Why this Locksmith ends, in a sentence. */
export function takenOverBy({ instance, term }: LocksmithStatus, own: number): string {
  const other = `Locksmith ${instance} serves this fleet under term ${term}`
  return `${other}, this one began earlier (term ${own}): two would grant the same locks, so this one ends`
}
