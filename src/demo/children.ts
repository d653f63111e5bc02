import { spawn } from 'node:child_process'
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Leash } from './leash.ts'

const MAIN = fileURLToPath(new URL('../cli/main.ts', import.meta.url))
/** Lines of a child that are remembered; its log file has them all. */
const LINES_KEPT = 10_000

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

/** Runs verbs as processes of the demo; none of them outlives it. */
export class Children {
  readonly #leash: Leash
  readonly #folder: string
  readonly #running = new Map<number, Child>()
  readonly #onLine = new Set<(line: Line) => void>()
  readonly #onEnd = new Set<(child: Child) => void>()
  readonly #env: NodeJS.ProcessEnv
  #stopping = false

  constructor(folder: string, leash: Leash, env: NodeJS.ProcessEnv) {
    this.#folder = folder
    this.#leash = leash
    this.#env = env
  }

  onLine(handler: (line: Line) => void): () => void {
    this.#onLine.add(handler)
    return () => this.#onLine.delete(handler)
  }

  onEnd(handler: (child: Child) => void): void {
    this.#onEnd.add(handler)
  }

  get pids(): number[] {
    return [...this.#running.keys()]
  }

  /** Runs `locksmith …args`. Its output is kept, and written to a file in the demo's folder. Throws once `stop` was called. */
  start(name: string, args: readonly string[]): Child {
    if (this.#stopping) throw new Error(`${name} is not started: the demo is ending`)
    const process_ = spawn(process.execPath, [MAIN, ...args], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: this.#env
    })
    const { pid } = process_
    if (pid === undefined) throw new Error(`${name} could not be started`)
    this.#leash.add(pid)
    const lines: Line[] = []
    const take = (stream: Line['stream']) => (text: string) => {
      const line = { from: name, stream, text, json: asObject(text) }
      lines.push(line)
      if (lines.length > LINES_KEPT) lines.shift()
      this.#log(name, text)
      for (const handler of [...this.#onLine]) handler(line)
    }
    createInterface({ input: process_.stdout }).on('line', take('stdout'))
    createInterface({ input: process_.stderr }).on('line', take('stderr'))
    let running = true
    const ended = new Promise<Ended>((resolve) => {
      process_.on('close', (code, signal) => {
        running = false
        this.#running.delete(pid)
        this.#leash.remove(pid)
        resolve({ code, signal })
        for (const handler of [...this.#onEnd]) handler(child)
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

  #log(name: string, text: string): void {
    try {
      appendFileSync(join(this.#folder, `${name}.log`), `${text}\n`)
    } catch {
      // A full disk, or a folder that somebody removed, is no reason to end a fleet that runs.
    }
  }

  /** Ends everything: politely, then by force. Nothing can be started after it was called. */
  async stop(withinMs: number): Promise<void> {
    this.#stopping = true
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
