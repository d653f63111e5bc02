import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../cli/main.ts', import.meta.url))
const REAPER = fileURLToPath(new URL('./reaper.ts', import.meta.url))

export interface Line {
  readonly from: string
  readonly stream: 'stdout' | 'stderr'
  readonly text: string
  /** The line as JSON, if it is an object. */
  readonly json: Readonly<Record<string, unknown>> | undefined
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A verb that runs as a process of its own, in a process group of its own. */
export interface Child {
  readonly name: string
  readonly pid: number
  readonly lines: readonly Line[]
  readonly ended: Promise<Ended>
  readonly running: boolean
  /** 'T' when stopped, 'S' or 'R' when alive, '' when gone: as the kernel says. */
  readonly state: () => string
  readonly signal: (signal: NodeJS.Signals) => void
}

/** All processes of the demo; none of them outlives it. */
export class Children {
  readonly #reaper: ChildProcess
  readonly #folder: string
  readonly #running = new Map<number, Child>()
  readonly #onLine = new Set<(line: Line) => void>()
  readonly #env: NodeJS.ProcessEnv

  constructor(folder: string, env: NodeJS.ProcessEnv) {
    this.#folder = folder
    this.#env = env
    this.#reaper = spawn(process.execPath, [REAPER], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
    this.#reaper.stdin?.on('error', () => undefined)
    this.#reaper.unref()
  }

  onLine(handler: (line: Line) => void): () => void {
    this.#onLine.add(handler)
    return () => this.#onLine.delete(handler)
  }

  /** Has a process group ended with the demo that was begun elsewhere. */
  adopt(pid: number): void {
    this.#reaper.stdin?.write(`+${pid}\n`)
  }

  get pids(): number[] {
    return [...this.#running.keys()]
  }

  /** Runs `locksmith …args`. Its output is kept, and written to a file in the demo's folder. */
  start(name: string, args: readonly string[]): Child {
    const process_ = spawn(process.execPath, [MAIN, ...args], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: this.#env
    })
    const { pid } = process_
    if (pid === undefined) throw new Error(`${name} could not be started`)
    this.adopt(pid)
    const lines: Line[] = []
    const take = (stream: Line['stream']) => (text: string) => {
      const line = { from: name, stream, text, json: asObject(text) }
      lines.push(line)
      appendFileSync(join(this.#folder, `${name}.log`), `${text}\n`)
      for (const handler of [...this.#onLine]) handler(line)
    }
    createInterface({ input: process_.stdout }).on('line', take('stdout'))
    createInterface({ input: process_.stderr }).on('line', take('stderr'))
    let running = true
    const ended = new Promise<Ended>((resolve) => {
      process_.on('close', (code, signal) => {
        running = false
        this.#running.delete(pid)
        this.#reaper.stdin?.write(`-${pid}\n`)
        resolve({ code, signal })
      })
    })
    const child: Child = {
      name,
      pid,
      lines,
      ended,
      get running() {
        return running
      },
      state: () => processState(pid),
      signal: (signal) => signalGroup(pid, signal)
    }
    this.#running.set(pid, child)
    return child
  }

  /** Ends everything: politely, then by force. */
  async stop(withinMs: number): Promise<void> {
    const left = [...this.#running.values()]
    for (const child of left) {
      child.signal('SIGCONT')
      child.signal('SIGTERM')
    }
    const force = setTimeout(() => {
      for (const child of left) child.signal('SIGKILL')
    }, withinMs)
    await Promise.all(left.map((child) => child.ended))
    clearTimeout(force)
    this.#reaper.stdin?.end()
  }
}

function asObject(text: string): Readonly<Record<string, unknown>> | undefined {
  if (!text.startsWith('{')) return undefined
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // Already gone.
  }
}

function processState(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.charAt(stat.lastIndexOf(')') + 2)
  } catch {
    return ''
  }
}
