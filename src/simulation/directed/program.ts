import { type FleetConnection, type FleetSession, type Grant, makeId } from '../../client/index.ts'
import { LocksmithError } from '../../protocol/errors.ts'
import type { SessionKind } from '../../rules/fleet.ts'
import { Host, sleep } from '../host.ts'
import type { Life } from '../life.ts'
import type { Client } from '../mqtt/client.ts'
import { openOwner } from '../programs/owner.ts'
import type { World } from '../world.ts'

export interface ProgramOptions {
  readonly name: string
  readonly kind: SessionKind
  /** What it does; then it exits. */
  readonly main: (program: Program) => Promise<void>
}

/** A program of its own, on a machine of its own, that does what a story wants. */
export class Program {
  readonly name: string
  readonly host: Host
  readonly #world: World
  readonly #kind: SessionKind
  #session: FleetSession | undefined
  #connection: FleetConnection | undefined
  #enough = false
  /** The grant that it had last. */
  grant: Grant | undefined
  /** It came to the end of what it does, or was refused. */
  over = false

  constructor(world: World, { name, kind, main }: ProgramOptions) {
    this.name = name
    this.#world = world
    this.#kind = kind
    this.host = new Host(world, {
      name,
      kind,
      machine: world.machine(name),
      restartMs: () => Number.POSITIVE_INFINITY,
      main: (life) => this.#run(life, main)
    })
    this.host.startIn(0)
  }

  async #run(life: Life, main: ProgramOptions['main']): Promise<void> {
    const { name } = this
    const { connection, session } = openOwner(this.#world, life, { name, kind: this.#kind, device: null })
    this.#connection = connection
    this.#session = session
    try {
      await session.contact(20 * this.#world.ttlMs)
      await main(this)
      await session.close()
      await connection.close()
    } catch (error) {
      if (!(error instanceof LocksmithError)) throw error
      this.#world.history.note(name, `ends: ${error.code} ${error.message}`)
    }
    this.over = true
  }

  get life(): Life {
    return this.host.life as Life
  }

  get session(): FleetSession {
    return this.#session as FleetSession
  }

  get connection(): FleetConnection {
    return this.#connection as FleetConnection
  }

  /** Its end of the line to the broker. */
  get line(): Client {
    return this.#world.broker.clientsOf(this.life)[0] as Client
  }

  /** It believes that it holds what it was granted. */
  get holds(): boolean {
    return (this.grant?.leftMs() ?? 0) > 0
  }

  /** It keeps what it has no longer, and waits for nothing. */
  letGo(): void {
    this.#enough = true
  }

  get hasEnough(): boolean {
    return this.#enough
  }

  id(): string {
    return makeId(() => this.life.random())
  }

  sleep(ms: number): Promise<void> {
    return sleep(this.life, ms)
  }

  /** Waits for locks. @throws LocksmithError */
  async acquire(locks: readonly string[], signal?: AbortSignal): Promise<Grant> {
    const { history, register } = this.#world
    history.note(this.name, `asks for ${locks.join(', ')}`)
    const giveUp = signal === undefined ? {} : { signal }
    const grant = await this.session.acquire({ locks, wait: true, phase: 'told so', ...giveUp })
    const got = grant.locks.map(({ lock, fence }) => `${lock} (fence ${fence})`).join(', ')
    history.note(this.name, `was granted ${got}`)
    this.grant = grant
    register.holds({ life: this.life, name: this.name, grant })
    return grant
  }

  /** As long as it may, and no longer than this. */
  async keep(grant: Grant, ms: number): Promise<void> {
    const { clock } = this.life
    const until = clock.now() + ms
    while (grant.leftMs() > 0 && clock.now() < until && !this.#enough) await this.sleep(5)
  }
}

/** A program that takes a lock, keeps it for so long, and lets it go. */
export function addHolder(world: World, { name, locks, keepMs, kind = 'tool' }: HolderOptions): Program {
  const main = async (program: Program): Promise<void> => {
    const grant = await program.acquire(locks)
    await program.keep(grant, keepMs)
    await grant.release()
  }
  return new Program(world, { name, kind, main })
}

export interface HolderOptions {
  readonly name: string
  readonly locks: readonly string[]
  readonly keepMs: number
  readonly kind?: SessionKind
}
