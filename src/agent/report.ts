import type { Controller } from '../../firmware-bridge/drivers/controller.ts'
import type { FleetConnection } from '../client/types.ts'
import type { Message } from '../platform/broker.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import type { Log } from '../platform/logger.ts'
import type { AgentState } from '../protocol/messages.ts'
import type { Hold } from '../rules/interlock.ts'
import type { Guard } from './guard.ts'

export interface StateSources {
  readonly device: string
  readonly kind: string
  readonly boot: string
  readonly guard: Guard
  readonly clock: Clock
  readonly versions: () => AgentState['configs']
  readonly session: () => number | undefined
}

/** The state of this agent, for people. Ages and times left are as of now. */
export function stateOf(sources: StateSources, online: boolean): AgentState {
  const { device, kind, boot, guard, clock } = sources
  const now = clock.now()
  return {
    device,
    kind,
    online,
    state: guard.state,
    holds: guard.holds.map((hold) => wireHold(hold, now)),
    configs: sources.versions(),
    controllers: guard.posts.map(({ controller }) => wireController(controller)),
    session: sources.session() ?? 0,
    boot
  }
}

const wireHold = (hold: Hold, now: number): AgentState['holds'][number] => ({
  id: hold.id,
  kind: hold.kind,
  owner: hold.owner,
  why: hold.why,
  ...(hold.lock === undefined ? {} : { lock: hold.lock }),
  ...(hold.fence === undefined ? {} : { fence: hold.fence }),
  sinceMs: Math.round(now - hold.since),
  untilMs: hold.until === null ? null : Math.max(0, Math.round(hold.until - now)),
  waived: hold.waived
})

function wireController({
  name,
  connected,
  status,
  capabilities
}: Controller): AgentState['controllers'][number] {
  return {
    name,
    connected,
    motion: status?.motion ?? null,
    paused: status?.paused ?? null,
    position: status?.position ?? null,
    enforces: capabilities?.fence === true && capabilities.deadline
  }
}

export interface ReportOptions extends StateSources {
  readonly connection: FleetConnection
  readonly topic: string
  readonly log: Log
}

/** Changes of one moment make one message. */
const COALESCE_MS = 20
/** Motion and position alone are news no oftener than this. */
const MINOR_MS = 5000
/** Two who correct each other shall not flood the broker. */
const CORRECT_MS = 1000
const KEPT = 8

/** Keeps the retained state of this agent true: told at each connection and each change, and corrected when overwritten. */
export class Report {
  readonly #options: ReportOptions
  readonly #recent: string[] = []
  #major = ''
  #minor = ''
  #due: Timer | undefined
  #dueAt = Number.POSITIVE_INFINITY
  #correctedAt = Number.NEGATIVE_INFINITY
  #closed = false

  constructor(options: ReportOptions) {
    this.#options = options
    options.connection.onConnected(() => {
      this.#recent.length = 0
      this.#publish()
    })
  }

  /** Something may have changed. */
  look(): void {
    const state = stateOf(this.#options, true)
    const major = majorOf(state)
    if (major !== this.#major) this.#publishIn(COALESCE_MS)
    else if (minorOf(state) !== this.#minor) this.#publishIn(MINOR_MS)
  }

  /** What stands on the agent's own state topic. An old will, or somebody else's word, is overwritten. */
  heard(message: Message): void {
    if (this.#closed) return
    const text = new TextDecoder().decode(message.payload)
    if (this.#recent.includes(text)) return
    // What was retained before this connection is an old word of its own, as a rule.
    if (!message.retain) {
      this.#options.log.warn({ event: 'state-corrected' }, 'the state was overwritten; it is told again')
    }
    const waitMs = Math.max(0, this.#correctedAt + CORRECT_MS - this.#options.clock.now())
    this.#correctedAt = this.#options.clock.now() + waitMs
    if (waitMs === 0) this.#publish()
    else this.#publishIn(waitMs)
  }

  /** Says goodbye to those who look. */
  close(): void {
    this.#closed = true
    this.#due?.cancel()
    const { connection, topic } = this.#options
    connection.publish(topic, stateOf(this.#options, false), { qos: 1, retain: true })
  }

  #publishIn(ms: number): void {
    const at = this.#options.clock.now() + ms
    if (this.#closed || at >= this.#dueAt) return
    this.#due?.cancel()
    this.#dueAt = at
    this.#due = this.#options.clock.after(ms, () => this.#publish())
  }

  #publish(): void {
    this.#due?.cancel()
    this.#dueAt = Number.POSITIVE_INFINITY
    const { connection, topic } = this.#options
    if (this.#closed || !connection.connected) return
    const state = stateOf(this.#options, true)
    this.#major = majorOf(state)
    this.#minor = minorOf(state)
    this.#recent.push(JSON.stringify(state))
    if (this.#recent.length > KEPT) this.#recent.shift()
    connection.publish(topic, state, { qos: 1, retain: true })
  }
}

const majorOf = ({ holds, controllers, ...rest }: AgentState): string =>
  JSON.stringify([
    rest,
    holds.map(({ sinceMs: _since, untilMs, ...hold }) => ({ ...hold, ends: untilMs !== null })),
    controllers.map(({ name, connected, paused, enforces }) => ({ name, connected, paused, enforces }))
  ])

const minorOf = ({ controllers }: AgentState): string =>
  JSON.stringify(controllers.map(({ motion, position }) => ({ motion, position })))
