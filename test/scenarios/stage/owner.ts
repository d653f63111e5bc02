import { createHash } from 'node:crypto'
import { runPush } from '../../../src/cli/run-push.ts'
import {
  type Ask,
  type FleetConnection,
  type FleetSession,
  type Grant,
  makeId,
  openFleetConnection,
  openSession
} from '../../../src/client/index.ts'
import { parseDocument } from '../../../src/protocol/document.ts'
import type { Life } from '../../../src/simulation/parts.ts'
import { Program } from './program.ts'
import type { Stage } from './stage.ts'
import { FLEET } from './tap.ts'

type Connected = { readonly connection: FleetConnection; readonly session: FleetSession }

export interface PushOptions {
  /** Under one wide lock, instead of each device under its own. */
  readonly together?: boolean
  readonly atOnce?: number
}

/** A program beside the agents: it holds locks, pushes documents, or clears what others left behind. */
export class Owner {
  readonly name: string
  readonly program: Program
  readonly #stage: Stage
  #open: Connected | undefined
  #life: Life | undefined

  /** Its session is one of a tool, unless it pushes. Starts at once. */
  constructor(stage: Stage, name: string) {
    this.#stage = stage
    this.name = name
    this.program = new Program(stage, name, (life) => {
      this.#life = life
      this.#open = undefined
    })
    this.program.start()
  }

  get #alive(): Life {
    if (this.#life === undefined) throw new Error(`${this.name} has not been started`)
    return this.#life
  }

  #connect(): FleetConnection {
    const life = this.#alive
    return openFleetConnection({
      connect: this.#stage.connectorOf(life),
      clock: life.clock,
      fleet: FLEET,
      principal: this.name,
      clientId: `${this.name}-${makeId(this.#stage.random)}`
    })
  }

  /** The session of this life, opened at its first use. */
  get session(): FleetSession {
    if (this.#open !== undefined) return this.#open.session
    const life = this.#alive
    const connection = this.#connect()
    const session = openSession({
      kind: 'tool',
      device: null,
      boot: life.machine.boot,
      connection,
      clock: life.clock,
      random: this.#stage.random,
      onNews: (news) => this.say(`is told: ${news.join('; ')}`),
      onTrouble: (code, message) => this.say(`is told: ${code} ${message}`)
    })
    this.#open = { connection, session }
    return session
  }

  say(what: string): void {
    this.#stage.transcript.add(`say:${this.name}`, this.name, `* ${what}`)
  }

  /** Asks, and says when it is granted or loses the grant. */
  async acquire(locks: readonly string[], more: Partial<Ask> = {}): Promise<Grant> {
    const grant = await this.session.acquire({ locks, wait: true, ...more })
    grant.lost.addEventListener('abort', () => {
      const { message } = grant.lost.reason as Error
      if (message !== 'released') this.say(`has lost it: ${message}`)
    })
    return grant
  }

  /** Lets time pass until Locksmith has heard it, and it Locksmith. */
  contact(): Promise<void> {
    return this.#stage.settled(`contact of ${this.name}`, this.session.contact(60_000))
  }

  /** Asks, and lets time pass until it is granted. */
  async granted(...locks: string[]): Promise<Grant> {
    await this.contact()
    return this.#stage.settled(`${this.name} to be granted ${locks.join(', ')}`, this.acquire(locks))
  }

  /** Pushes a document as the command line does. Resolves when the push has ended, however it did. */
  push(document: string, to: string, { together = false, atOnce = 1 }: PushOptions = {}): Promise<void> {
    const life = this.#alive
    const { clock } = life
    const { random } = this.#stage
    const connection = this.#connect()
    const digest = createHash('sha256').update(document).digest('hex')
    const query = async (
      what: 'locks' | 'status' | 'why' | 'devices',
      subject?: string
    ): Promise<unknown> => {
      const request = {
        op: 'query',
        id: makeId(random),
        what,
        ...(subject === undefined ? {} : { subject })
      } as const
      return (await connection.call(request, 'answer')).data
    }
    const fleet = { connection, clock, random, boot: life.machine.boot, timeoutMs: 5000, query }
    const plan = {
      document: { parsed: parseDocument(document), text: document, digest },
      ...{ to, together, atOnce, waitMs: 600_000, stop: new AbortController().signal },
      note: (text: string) => this.say(text)
    }
    return runPush(fleet, plan).then(
      ({ ok }) => this.say(ok ? 'the push is done' : 'the push is done, not everywhere'),
      (error: Error & { code?: string }) => this.say(`the push fails: ${error.code} ${error.message}`)
    )
  }

  /** Looks at the lock, as an operator does, and clears the grant that it sees. */
  async unlock(lock: string, reason: string): Promise<void> {
    const connection = this.#connect()
    const id = (): string => makeId(this.#stage.random)
    const { data } = await connection.call({ op: 'query', id: id(), what: 'locks' }, 'answer')
    const seen = (data as { lock: string; fence: number }[]).find((one) => one.lock === lock)
    const request = { op: 'unlock', id: id(), lock, fence: seen?.fence ?? 0, reason, graceMs: 0 } as const
    await connection.call(request, 'unlocked')
  }
}
