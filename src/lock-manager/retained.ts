import type { Message } from '../platform/broker.ts'
import {
  type LockRecord,
  type LocksmithStatus,
  locksmithStatus,
  parsePayload,
  record
} from '../protocol/messages.ts'
import type { Topics } from '../protocol/topics.ts'

/** What the broker still remembers of earlier lives of Locksmith: evidence of fences that the store may have lost. */
export class Retained {
  readonly records = new Map<string, LockRecord>()
  readonly updates = new Set<string>()
  status: LocksmithStatus | undefined

  /** Takes a retained message; one that cannot be understood is no evidence. */
  take(topics: Topics, message: Message): void {
    const topic = topics.parse(message.topic)
    if (topic === undefined || message.payload.length === 0) return
    if (topic.kind === 'lock') {
      const parsed = parsePayload(record, message.payload)
      if (parsed.ok) this.records.set(topic.lock, parsed.value)
    } else if (topic.kind === 'status') {
      const parsed = parsePayload(locksmithStatus, message.payload)
      if (parsed.ok) this.status = parsed.value
    } else if (topic.kind === 'update') {
      this.updates.add(message.topic)
    }
  }

  /** The highest term under which any of it was written. */
  get knownTerm(): number {
    return Math.max(0, this.status?.term ?? 0, ...[...this.records.values()].map((one) => one.term))
  }

  /** The highest fence that any of it tells to have been granted. */
  get knownFence(): number {
    return Math.max(0, this.status?.fenceHigh ?? 0, ...[...this.records.values()].map((one) => one.fence))
  }
}
