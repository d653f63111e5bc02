import { spawn } from 'node:child_process'
import { systemClock, type Timer } from '../platform/clock.ts'

/**
 * The process between exec and COMMAND (run-command.ts starts it). It starts COMMAND in a process group of its own, and ends
 * that group when it is told to, when exec is gone, however it went, and when the lease runs out that exec last told of: an
 * exec that is stopped, or hangs, tells of no other. It ends with COMMAND.
 */

/** What exec says. */
export type Order =
  | { readonly run: readonly string[]; readonly env: NodeJS.ProcessEnv }
  /** On the clock of this machine, which all processes share. */
  | { readonly leaseUntil: number }
  | { readonly signal: NodeJS.Signals }
  | { readonly end: true }

/** What became of COMMAND. */
export type Outcome =
  | { readonly failed: string; readonly code: string }
  | { readonly status: number | null; readonly signal: NodeJS.Signals | null }

export type Word = { readonly group: number } | Outcome

/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 5000
/** What the kernel cannot end in this time after SIGKILL, it does not end. */
const KILLED_WITHIN_MS = 2000
const LOOK_EVERY_MS = 20

class Keeper {
  readonly #clock = systemClock({ keepAlive: true })
  #group: number | undefined
  #expiry: Timer | undefined
  #ending: Promise<void> | undefined

  take(order: Order): void {
    if ('run' in order) this.#run(order.run, order.env)
    else if ('leaseUntil' in order) this.#trustUntil(order.leaseUntil)
    else if ('signal' in order) this.#signal(order.signal)
    else this.end()
  }

  #run([program = '', ...args]: readonly string[], env: NodeJS.ProcessEnv): void {
    try {
      const child = spawn(program, args, { stdio: 'inherit', detached: true, env })
      this.#group = child.pid
      if (child.pid !== undefined) process.send?.({ group: child.pid })
      child.once('error', (error) => this.#failed(error))
      child.once('exit', (status, signal) => this.#close({ status, signal }))
    } catch (error) {
      this.#failed(error as Error)
    }
  }

  #failed(error: NodeJS.ErrnoException): void {
    this.#close({ failed: error.message, code: error.code ?? '' })
  }

  #trustUntil(leaseUntil: number): void {
    this.#expiry?.cancel()
    this.#expiry = this.#clock.after(leaseUntil - this.#clock.now(), () => this.end())
  }

  /** False when there is no such group any more. */
  #signal(name: NodeJS.Signals | 0): boolean {
    if (this.#group === undefined) return false
    try {
      return process.kill(-this.#group, name)
    } catch {
      return false
    }
  }

  end(): void {
    this.#ending ??= this.#endGroup()
  }

  async #endGroup(): Promise<void> {
    this.#signal('SIGTERM')
    const killFrom = this.#clock.now() + GRACE_MS
    while (this.#signal(0) && this.#clock.now() < killFrom + KILLED_WITHIN_MS) {
      if (this.#clock.now() >= killFrom) this.#signal('SIGKILL')
      await new Promise<void>((resolve) => this.#clock.after(LOOK_EVERY_MS, resolve))
    }
  }

  /** The last word, when nothing is left to be ended: exec takes it for "nothing more is done". */
  async #close(outcome: Outcome): Promise<void> {
    await this.#ending
    this.#expiry?.cancel()
    if (process.connected) process.send?.(outcome, () => process.disconnect())
  }
}

const keeper = new Keeper()
process.on('message', (order) => keeper.take(order as Order))
process.on('disconnect', () => keeper.end())
// A service manager signals every process of a unit; exec hands on what is meant for COMMAND.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined)
