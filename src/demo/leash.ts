import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const REAPER = fileURLToPath(new URL('./reaper.ts', import.meta.url))

/** Holds every process group of the demo: when the demo is gone, however it went, so are they. */
export class Leash {
  readonly #reaper: ChildProcess
  readonly #gone: Promise<void>

  constructor() {
    // In a session of its own, so that a closing terminal does not reach it.
    this.#reaper = spawn(process.execPath, [REAPER], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
    this.#gone = new Promise((resolve) => {
      this.#reaper.once('exit', () => resolve())
      this.#reaper.once('error', () => resolve())
    })
    this.#reaper.stdin?.on('error', () => undefined)
    this.#reaper.unref()
  }

  get pid(): number | undefined {
    return this.#reaper.pid
  }

  /** From now on the group led by this process ends with the demo. */
  add(pid: number): void {
    this.#reaper.stdin?.write(`+${pid}\n`)
  }

  /** The group is known to have ended; its number may become somebody else's. */
  remove(pid: number): void {
    this.#reaper.stdin?.write(`-${pid}\n`)
  }

  /** Kills the groups that are left; resolves when the reaper is gone too. */
  async release(): Promise<void> {
    this.#reaper.ref()
    this.#reaper.stdin?.end()
    // A stopped reaper would not see the end of its input.
    this.#reaper.kill('SIGCONT')
    await this.#gone
  }
}
