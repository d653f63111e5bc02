import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Answer, Command } from './control.ts'

const COMMAND_MS = 5000
const STOP_MS = 2000
const STDERR_CHARS = 4000

/** The emulator's process did not start, did not answer, or refused. */
export class EmulatorError extends Error {
  constructor(what: string, why: string) {
    super(`emulated boards: ${what}: ${why.trim() || 'no reason given'}`)
    this.name = 'EmulatorError'
  }
}

/** The parent's end of a process that runs process.ts. */
export class BoardsProcess {
  readonly ended: Promise<string>
  readonly #child: ChildProcessWithoutNullStreams
  readonly #awaited = new Map<number, (answer: Answer) => void>()
  #nextId = 1
  #stderr = ''
  #ready: () => void = () => {}
  readonly #isReady = new Promise<void>((resolve) => {
    this.#ready = resolve
  })

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child
    child.stderr.on('data', (text: Buffer) => {
      this.#stderr = (this.#stderr + text.toString()).slice(-STDERR_CHARS)
    })
    // A command written to a process that has just died fails by its deadline or by `ended`.
    child.stdin.on('error', () => {})
    createInterface({ input: child.stdout }).on('line', (line) => this.#heard(line))
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message))
      child.once('close', () => resolve(this.#stderr))
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Resolves when the devices are there; the process is gone when it rejects. */
  async ready(withinMs: number): Promise<void> {
    const failure = await this.#within(withinMs, this.#isReady)
    if (failure === undefined) return
    await this.stop()
    throw new EmulatorError('did not start', failure)
  }

  async command(command: Command): Promise<void> {
    const id = this.#nextId++
    const answered = new Promise<Answer>((resolve) => {
      this.#awaited.set(id, resolve)
    })
    this.#child.stdin.write(`${JSON.stringify({ id, ...command })}\n`)
    const failure = await this.#within(COMMAND_MS, answered)
    this.#awaited.delete(id)
    if (failure !== undefined) throw new EmulatorError(`no answer to ${JSON.stringify(command)}`, failure)
    const answer = await answered
    if ('error' in answer) throw new EmulatorError('refused', answer.error)
  }

  async stop(): Promise<void> {
    this.#child.stdin.end()
    // A process that was stopped does not see the end of its stdin before it is continued.
    this.#signal('SIGCONT')
    if ((await this.#within(STOP_MS, this.ended)) !== undefined) this.#signal('SIGKILL')
    await this.ended
  }

  /** Undefined when `wanted` came first, else what went wrong. */
  async #within(ms: number, wanted: Promise<unknown>): Promise<string | undefined> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(resolve, ms, `it took longer than ${ms} ms`)
    })
    try {
      return await Promise.race([
        wanted.then(() => undefined),
        this.ended.then((stderr) => `the process has ended. ${stderr}`),
        late
      ])
    } finally {
      clearTimeout(timer)
    }
  }

  #heard(line: string): void {
    const answer: unknown = JSON.parse(line)
    if (typeof answer !== 'object' || answer === null) return
    if ('ready' in answer) this.#ready()
    if ('id' in answer && typeof answer.id === 'number') this.#awaited.get(answer.id)?.(answer as Answer)
  }

  #signal(signal: 'SIGCONT' | 'SIGKILL'): void {
    try {
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid, signal)
    } catch {
      // It is gone, which is what was wanted.
    }
  }
}
