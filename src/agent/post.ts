import {
  type Controller,
  ControllerRefusal,
  type ControllerStatus,
  ControllerUnreachable,
  type Manoeuvre,
  type PauseReason,
  type Stored
} from '../../firmware-bridge/drivers/controller.ts'
import type { Clock } from '../platform/clock.ts'
import type { Log } from '../platform/logger.ts'

/**
 * `standing`: proved under the present pause. `idle`: reachable, and neither proved to stand nor known to run. `fault`: it
 * did not do as it was told; it is told again soon.
 */
export type PostPhase =
  | 'away'
  | 'idle'
  | 'pausing'
  | 'standing'
  | 'resuming'
  | 'running'
  /** On its way to safety by itself; it is paused anew when it has come there. */
  | 'manoeuvring'
  | 'fault'

export interface PostHooks {
  readonly clock: Clock
  readonly log: Log
  /** How long standstill may take to be proved. */
  readonly standstillMs: number
  readonly floors: () => Readonly<Record<string, number>>
  readonly changed: () => void
  /** It is reachable, knows the floors, and has said what it has stored. */
  readonly greeted: (post: Post) => void
  readonly lost: (post: Post, why: string) => void
  /** It paused by itself while it was meant to run. */
  readonly stopped: (post: Post) => void
}

const AGAIN_MS = 500

/** One controller under the guard's eye: what it was told last, and what it has proved. */
export class Post {
  readonly controller: Controller
  /** What it had stored when it was asked last, by resource. */
  readonly stored = new Map<string, Stored>()
  phase: PostPhase = 'away'
  greeted = false
  /** Why it is away, or did not obey. */
  trouble: Error = new ControllerUnreachable('it has not been reached yet')
  readonly #hooks: PostHooks
  readonly #told = new Map<string, number>()
  /** Grows with every command and every loss: what an older command comes back with counts no more. */
  #epoch = 0

  constructor(controller: Controller, hooks: PostHooks) {
    this.controller = controller
    this.#hooks = hooks
  }

  get name(): string {
    return this.controller.name
  }

  open(): void {
    this.controller.open({
      connected: () => this.#connected(),
      disconnected: (why) => this.#disconnected(why),
      status: (status) => this.#status(status)
    })
  }

  pause(why: PauseReason): void {
    const { standstillMs } = this.#hooks
    this.#order('pausing', 'standing', () => this.controller.pause(why, standstillMs))
  }

  resume(): void {
    this.#order('resuming', 'running', () => this.controller.resume())
  }

  manoeuvre(how: Manoeuvre): void {
    this.#order('manoeuvring', 'idle', async () => this.controller.manoeuvre?.(how))
  }

  can(how: Manoeuvre): boolean {
    const { capabilities, manoeuvre } = this.controller
    return manoeuvre !== undefined && capabilities?.manoeuvres.includes(how) === true
  }

  /** Tells floors that have grown. A controller that cannot be told now is told at its next greeting. */
  async tellFloors(): Promise<void> {
    for (const [resource, floor] of Object.entries(this.#hooks.floors())) {
      if ((this.#told.get(resource) ?? 0) >= floor || this.controller.parameters[resource] === undefined)
        continue
      this.#told.set(resource, floor)
      await this.controller.setFloor(resource, floor)
    }
  }

  async readStored(): Promise<void> {
    for (const [resource, parameters] of Object.entries(this.controller.parameters)) {
      if (Object.keys(parameters).length > 0) this.stored.set(resource, await this.controller.read(resource))
    }
  }

  #order(during: PostPhase, after: PostPhase, command: () => Promise<unknown>): void {
    this.#epoch += 1
    const epoch = this.#epoch
    const obeyed = command()
    this.#enter(during)
    obeyed.then(
      () => {
        if (epoch === this.#epoch) this.#enter(after)
      },
      (error: unknown) => {
        if (epoch === this.#epoch) this.#failed(error)
      }
    )
  }

  #failed(error: unknown): void {
    this.trouble = error instanceof Error ? error : new Error(String(error))
    const was = this.phase
    this.#hooks.log.warn(
      { event: 'controller-did-not-obey', controller: this.name, during: was, why: this.trouble.message },
      `controller ${this.name}: ${this.trouble.message}`
    )
    this.#enter('fault')
    const epoch = this.#epoch
    this.#hooks.clock.after(AGAIN_MS, () => {
      if (epoch === this.#epoch && this.phase === 'fault') this.#enter('idle')
    })
  }

  #enter(phase: PostPhase): void {
    this.phase = phase
    this.#hooks.changed()
  }

  #connected(): void {
    this.#epoch += 1
    this.#told.clear()
    this.#hooks.log.info(
      { event: 'controller-connected', controller: this.name },
      `controller ${this.name} connected`
    )
    this.#enter('idle')
    void this.#greet()
  }

  async #greet(): Promise<void> {
    try {
      await this.tellFloors()
      await this.readStored()
      if (!this.controller.connected) return
      this.greeted = true
      this.#hooks.greeted(this)
    } catch (error) {
      if (error instanceof ControllerUnreachable && !this.controller.connected) return
      this.trouble = error as Error
      const why = (error as Error).message
      this.#hooks.log.error({ event: 'controller-greeting-failed', controller: this.name, why }, why)
      if (error instanceof ControllerRefusal || error instanceof ControllerUnreachable) {
        this.#hooks.clock.after(
          AGAIN_MS,
          () => this.controller.connected && !this.greeted && void this.#greet()
        )
      }
    }
  }

  #disconnected(why: string): void {
    this.#epoch += 1
    this.greeted = false
    this.trouble = new ControllerUnreachable(why)
    this.#hooks.log.warn(
      { event: 'controller-lost', controller: this.name, why },
      `controller ${this.name}: ${why}`
    )
    this.phase = 'away'
    this.#hooks.lost(this, why)
    this.#hooks.changed()
  }

  /** While a command is under way, its own end decides. */
  #status(status: ControllerStatus): void {
    const stands = status.paused && status.motion === 'standstill'
    if (this.phase === 'standing' && !stands) this.#enter('idle')
    else if (this.phase === 'running' && status.paused) {
      this.phase = 'idle'
      this.#hooks.stopped(this)
      this.#hooks.changed()
    } else this.#hooks.changed()
  }
}
