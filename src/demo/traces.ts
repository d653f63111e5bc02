import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'

/** One line of a board's trace: the firmware's own state. */
export interface TraceLine {
  readonly atMs: number
  readonly tMs: number
  readonly position: number
  readonly moving: boolean
  readonly paused: boolean
  readonly params: Readonly<Record<string, number>>
  readonly fences: Readonly<Record<string, number>>
  readonly refusals: Readonly<Record<string, number>>
  readonly staged: readonly string[]
  readonly unverified: readonly string[]
}

/** Lines remembered: some minutes of a moving axis. */
const HISTORY = 5000

/** Reads a growing file of JSON lines; every verdict about motion is taken from here. */
export class Trace {
  readonly name: string
  readonly #path: string
  #fd: number | undefined
  #rest = ''
  #last: TraceLine | undefined
  #lines = 0
  readonly #history: TraceLine[] = []
  /** Lines in which the axis moved while its configuration was staged or unverified. There must be none. */
  readonly violations: TraceLine[] = []
  readonly #watchers = new Set<(line: TraceLine) => void>()

  constructor(name: string, path: string) {
    this.name = name
    this.#path = path
  }

  get last(): TraceLine | undefined {
    return this.#last
  }

  get lines(): number {
    return this.#lines
  }

  watch(watcher: (line: TraceLine) => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  /** The state at a moment of wall time, as far back as is remembered: the last line not after it. */
  at(atMs: number): TraceLine | undefined {
    return this.#history.findLast((line) => line.atMs <= atMs)
  }

  /** The first remembered line from a moment on that fits. */
  find(sinceMs: number, fits: (line: TraceLine) => boolean): TraceLine | undefined {
    return this.#history.find((line) => line.atMs >= sinceMs && fits(line))
  }

  /** Reads what was appended since the last call, also over the turn to a new file. */
  read(): void {
    const now = statSync(this.#path, { throwIfNoEntry: false })?.ino
    if (this.#fd === undefined) return now === undefined ? undefined : this.#open()
    const turned = now !== undefined && now !== fstatSync(this.#fd).ino
    this.#readOn(this.#fd)
    if (!turned) return
    this.close()
    this.#open()
  }

  #open(): void {
    this.#fd = openSync(this.#path, 'r')
    this.#readOn(this.#fd)
  }

  #readOn(fd: number): void {
    const bytes = Buffer.alloc(64 * 1024)
    for (let count = readSync(fd, bytes); count > 0; count = readSync(fd, bytes)) {
      this.#rest += bytes.toString('utf8', 0, count)
    }
    const lines = this.#rest.split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#take(JSON.parse(line) as TraceLine)
  }

  #take(line: TraceLine): void {
    this.#last = line
    this.#lines += 1
    this.#history.push(line)
    if (this.#history.length > HISTORY) this.#history.shift()
    if (line.moving && (line.staged.length > 0 || line.unverified.length > 0)) this.violations.push(line)
    for (const watcher of [...this.#watchers]) watcher(line)
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }
}
