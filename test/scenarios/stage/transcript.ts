/** What a reader of a transcript may be shown: by its key, such as `wire:acquire:node-7` or `journal:arm-7`. */
export interface Selection {
  /** Shown although it is hidden by default. */
  readonly also?: readonly RegExp[]
  readonly hide?: readonly RegExp[]
}

/** Told all day long, and seldom what a story is about. */
const USUALLY_HIDDEN = [
  /^wire:(hello|heartbeat|noted|query|answer|record|agent|status|sentinel|audit|push|update)\b/,
  /^retained:/,
  /^frame:[^:]+:(hello|status|read|describe|floor|discard)$/,
  /^floor:/,
  /^log:[^:]+:(hello|serving|collected|broker-connected|contact|step|change-begins|controller-connected|paused|run|applied)$/
]

const WIDTH = 11
const LINE = 150

/** The lines of a story, each with its virtual time and the one who acts. */
export class Transcript {
  readonly #now: () => number
  readonly #lines: string[] = []
  selection: Selection = {}

  constructor(now: () => number) {
    this.#now = now
  }

  add(key: string, who: string, what: string): void {
    const { also = [], hide = [] } = this.selection
    const matches = (patterns: readonly RegExp[]): boolean => patterns.some((pattern) => pattern.test(key))
    if (matches(hide) || (matches(USUALLY_HIDDEN) && !matches(also))) return
    this.#put(who, what)
  }

  /** What the story does to the world; always shown. */
  tell(what: string): void {
    this.#put('', `--- ${what}`)
  }

  #put(who: string, what: string): void {
    // Whole milliseconds that have passed: sums of floating point are never quite whole.
    const seconds = (Math.floor(this.#now() + 0.01) / 1000).toFixed(3).padStart(8)
    const line = `${seconds}  ${who.padEnd(WIDTH)} ${what}`
    this.#lines.push(line.length > LINE ? `${line.slice(0, LINE - 1)}…` : line)
  }

  get lines(): readonly string[] {
    return this.#lines
  }
}
