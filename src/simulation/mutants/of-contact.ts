import type { Mutant } from './mutant.ts'

/** Mistakes in what counts as contact, and in what messages that are lost, late or repeated do. */
export const mutantsOfContact: readonly Mutant[] = [
  {
    name: 'lease-from-receipt',
    says: 'the owner counts its lease from the receipt of the reply, not from the sending of the heartbeat',
    breaks: [1],
    world: 'line-fades',
    within: 20,
    file: 'src/client/session.ts',
    from: 'const until = sentAt + usableMs(reply.leaseMs)',
    to: 'const until = this.#options.clock.now() + usableMs(reply.leaseMs)'
  },
  {
    name: 'heartbeat-names-nothing',
    says: 'a heartbeat names none of the requests of its session',
    breaks: [1, 8],
    world: 'locks',
    within: 20,
    file: 'src/client/open-asks.ts',
    from: 'return [...this.#asks.values()].map((ask) => ask.wire())',
    to: 'return []'
  },
  {
    name: 'unnamed-kept',
    says: 'what a heartbeat leaves out is not given up: a grant that its owner never heard of stays with it',
    breaks: [8],
    world: 'lost-grant',
    within: 20,
    file: 'src/rules/request.ts',
    from: 'seq < heartbeat.seq && !heartbeat.named.has(request)',
    to: 'heartbeat.seq === Number.POSITIVE_INFINITY && seq < heartbeat.seq && request !== ""'
  },
  {
    name: 'one-way-line-is-contact',
    says: 'a heartbeat renews, however long its sender has heard nothing',
    breaks: [16],
    world: 'deaf-owner',
    within: 20,
    file: 'src/rules/session.ts',
    from: 'if (reply !== undefined) return now - reply.at < fleet.options.ttlMs',
    to: 'if (heard >= 0) return true'
  },
  {
    name: 'old-heartbeat-counts',
    says: 'a heartbeat that is heard once more asks anew for what it names',
    breaks: [8],
    world: 'late-heartbeat',
    within: 20,
    file: 'src/rules/session.ts',
    from: 'if (seq <= contact.heartbeatSeq) return',
    to: ''
  },
  {
    name: 'stale-request-granted',
    says: 'a request that is heard once more, after its sender has given it up, is granted',
    breaks: [8],
    world: 'late-request',
    within: 20,
    file: 'src/rules/request.ts',
    from: "if (seq <= contact.heartbeatSeq) return refuse({ why: 'stale-message' })",
    to: ''
  },
  {
    name: 'grants-in-memory',
    says: 'which request was granted what is remembered in memory only',
    breaks: [17, 8],
    world: 'restart-under-an-owner',
    within: 20,
    file: 'src/rules/fleet.ts',
    from: 'const tables: unknown = { meta, session, lock, grant, push, operation }',
    to: 'void grant; const tables: unknown = { meta, session, lock, push, operation }'
  },
  {
    name: 'will-is-a-release',
    says: 'the will of a device frees what it holds',
    breaks: [3],
    world: 'dropped-in-mid-change',
    within: 20,
    file: 'src/lock-manager/locksmith.ts',
    from: 'return this.#takeState(topic.device, message.payload)',
    to: `{
        this.#takeState(topic.device, message.payload)
        if (Buffer.from(message.payload).toString().includes('"online":false'))
          for (const { session } of this.#fleet.sessions.where('name', topic.device))
            this.#intake.take(topic.device, Buffer.from(JSON.stringify({ op: 'goodbye', session, seq: 0 })))
        return
      }`
  }
]
