import { Board, type BoardConfig, type BoardSurroundings } from './board.ts'

/** A chip with something under way is brought to real time this often, in milliseconds. */
const BUSY_MS = 1
/** And one with nothing under way this often. */
const IDLE_MS = 50

/** All chips of a process, on one timer: it runs when the first of them has something to do. */
export class Boards {
  readonly #boards = new Map<string, Board>()
  readonly #now: () => number
  #failed: (error: unknown) => void = () => {}
  #started = false
  #timer: NodeJS.Timeout | undefined
  #dueMs = Number.POSITIVE_INFINITY

  /** Throws what a board throws, or when two share a name; nothing is left open then. */
  constructor(
    configs: readonly BoardConfig[],
    around: Omit<BoardSurroundings, 'powerUpMs' | 'hurry' | 'failed'>
  ) {
    this.#now = around.now
    const surroundings: BoardSurroundings = {
      ...around,
      powerUpMs: around.now(),
      hurry: () => this.#schedule(),
      failed: (error) => this.#failed(error)
    }
    try {
      for (const config of configs) {
        if (this.#boards.has(config.name)) throw new Error(`two boards are called ${config.name}: rename one`)
        this.#boards.set(config.name, new Board(config, surroundings))
      }
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** Starts to run them; `failed` hears of what cannot go on, such as a full disk under a trace. */
  start(failed: (error: unknown) => void): void {
    this.#failed = failed
    this.#started = true
    this.#schedule()
  }

  /** Undefined when there is none of that name. */
  board(name: string): Board | undefined {
    return this.#boards.get(name)
  }

  close(): void {
    this.#started = false
    clearTimeout(this.#timer)
    for (const board of this.#boards.values()) board.close()
    this.#boards.clear()
  }

  #run(): void {
    this.#dueMs = Number.POSITIVE_INFINITY
    const now = this.#now()
    try {
      for (const board of this.#boards.values()) if (board.dueMs <= now) board.step()
      this.#schedule()
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Never puts off what is planned already. */
  #schedule(): void {
    if (!this.#started) return
    const now = this.#now()
    let dueMs = now + IDLE_MS
    for (const board of this.#boards.values()) dueMs = Math.min(dueMs, board.dueMs)
    dueMs = Math.max(dueMs, now + BUSY_MS)
    if (dueMs >= this.#dueMs) return
    this.#dueMs = dueMs
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#run(), Math.ceil(dueMs - now))
  }
}
