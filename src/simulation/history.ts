import { createHash } from 'node:crypto'

/** Lines kept to tell what led to a violation. */
const KEPT = 400

/** What happened in a run: a few readable lines of the latest past, and a digest of all of it. */
export class History {
  readonly #now: () => number
  readonly #lines: string[] = []
  readonly #digest = createHash('sha256')
  #pending = ''

  constructor(now: () => number) {
    this.#now = now
  }

  /** Something that a reader of the story wants to know. */
  note(who: string, what: string): void {
    const line = `${(this.#now() / 1000).toFixed(3).padStart(9)} s  ${who.padEnd(10)} ${what}`
    this.#lines.push(line)
    if (this.#lines.length > KEPT) this.#lines.shift()
    this.record(line)
  }

  /** Something that only has to be the same in every repetition. */
  record(text: string): void {
    this.#pending += `${this.#now()} ${text}\n`
    if (this.#pending.length < 65_536) return
    this.#digest.update(this.#pending)
    this.#pending = ''
  }

  latest(count: number): readonly string[] {
    return this.#lines.slice(-count)
  }

  digest(): string {
    return this.#digest.copy().update(this.#pending).digest('hex')
  }
}
