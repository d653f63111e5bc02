import type { Grant } from '../client/index.ts'
import type { ConnectBroker } from '../platform/broker.ts'
import type { Life } from './life.ts'

/** Somebody who holds locks, or believes so. */
export interface Holder {
  readonly life: Life
  readonly name: string
  readonly grant: Grant
}

/** Somebody who waits for an answer to what it has asked for. */
export interface OpenAsk {
  readonly life: Life
  readonly name: string
  readonly locks: readonly string[]
  /** Since when nothing has stood in the way of an answer, in the time of the world. */
  waitsSince: number
}

/** Which grants owners have, as they themselves would answer, and under which session each process speaks. */
export class Register {
  #holders: Holder[] = []
  readonly #asks = new Set<OpenAsk>()
  readonly #spokenAs = new Map<Life, number>()
  readonly #speaker = new Map<number, Life>()
  readonly #about = new Map<string, () => string>()
  readonly #heardAt = new Map<Life, number>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  /** Listens to what a process sends and hears. */
  listen(life: Life, connect: ConnectBroker): ConnectBroker {
    return (options, handlers) => {
      const connection = connect(options, {
        ...handlers,
        message: (message) => {
          if (message.topic.includes('/rep/')) this.#heardAt.set(life, this.#now())
          handlers.message?.(message)
        }
      })
      return {
        get connected() {
          return connection.connected
        },
        publish: (topic, payload, publishOptions) => {
          if (topic.includes('/req/')) this.#spoke(life, payload)
          return connection.publish(topic, payload, publishOptions)
        },
        subscribe: (filters) => connection.subscribe(filters),
        close: () => connection.close()
      }
    }
  }

  #spoke(life: Life, payload: string): void {
    const session = sessionIn(payload)
    if (session === undefined) return
    this.#spokenAs.set(life, session)
    this.#speaker.set(session, life)
  }

  /** Somebody has asked for locks. To be called again with the answer, or when it was told its place. */
  asks(ask: Omit<OpenAsk, 'waitsSince'>): () => void {
    const open = { ...ask, waitsSince: this.#now() }
    this.#asks.add(open)
    return () => void this.#asks.delete(open)
  }

  get openAsks(): ReadonlySet<OpenAsk> {
    for (const ask of this.#asks) if (ask.life.dead) this.#asks.delete(ask)
    return this.#asks
  }

  holds(holder: Holder): void {
    this.#holders.push(holder)
  }

  /** Those that may still act, now or when they wake. */
  get holders(): readonly Holder[] {
    this.#holders = this.#holders.filter(({ life, grant }) => !life.dead && !grant.lost.aborted)
    return this.#holders
  }

  /** Whether a running process speaks under this session number. */
  isAlive(session: number): boolean {
    const life = this.#speaker.get(session)
    return life?.running === true && this.#spokenAs.get(life) === session
  }

  /** When the process that speaks under this number was told something last, in the time of the world. */
  heardAt(session: number): number {
    const life = this.#speaker.get(session)
    return (life && this.#heardAt.get(life)) ?? Number.NEGATIVE_INFINITY
  }

  /** Whether a process has been told anything yet. */
  hasHeard(life: Life): boolean {
    return this.#heardAt.has(life)
  }

  /** How to say what a host's process is about. */
  describe(host: string, state: () => string): void {
    this.#about.set(host, state)
  }

  /** What a process is about, for statistics. */
  stateOf(life: Life): string {
    if (life.stopped) return 'stopped'
    const about = this.#about.get(life.host)
    if (about !== undefined) return about()
    return this.#holders.some((holder) => holder.life === life) ? 'holding' : 'not-holding'
  }
}

/** The number under which a request speaks. */
export function sessionIn(payload: string): number | undefined {
  const digits = /"session":(\d+)/.exec(payload)?.[1]
  return digits === undefined ? undefined : Number(digits)
}
