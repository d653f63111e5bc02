import { Board, type BoardConfig, type BoardSurroundings } from './board.ts'

/** How often the chips are brought to real time, in milliseconds. */
const STEP_MS = 2

/** All chips of a process, on one interval. */
export class Boards {
  readonly #boards = new Map<string, Board>()
  #interval: NodeJS.Timeout | undefined

  /** Throws what a board throws, or when two share a name; nothing is left open then. */
  constructor(configs: readonly BoardConfig[], around: BoardSurroundings) {
    try {
      for (const config of configs) {
        if (this.#boards.has(config.name)) throw new Error(`two boards are called ${config.name}: rename one`)
        this.#boards.set(config.name, new Board(config, around))
      }
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** Starts to run them; `failed` hears of what cannot go on, such as a full disk under a trace. */
  start(failed: (error: unknown) => void): void {
    this.#interval = setInterval(() => {
      try {
        for (const board of this.#boards.values()) board.step()
      } catch (error) {
        failed(error)
      }
    }, STEP_MS)
  }

  /** Undefined when there is none of that name. */
  board(name: string): Board | undefined {
    return this.#boards.get(name)
  }

  close(): void {
    clearInterval(this.#interval)
    for (const board of this.#boards.values()) board.close()
    this.#boards.clear()
  }
}
