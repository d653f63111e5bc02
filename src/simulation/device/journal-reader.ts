/** One line of a journal, as far as it is looked at. */
interface Line {
  readonly entry: string
  readonly step?: string
  readonly ending?: string
  readonly resource?: string
  readonly fence?: number
  readonly change?: { readonly resource?: string; readonly change?: { readonly resource: string } }
}

/** Reads along what a device writes into its journal: where its change stands, and which resources are in doubt. */
export class JournalReader {
  #step = 'none'
  #resource = ''
  #behind = false
  #undoing = false
  readonly #doubts = new Set<string>()

  /** The last step that was entered; `none` when no change is open. */
  get step(): string {
    return this.#step
  }

  /** The step, `undoing` once it has failed, `in doubt` while a configuration is unverified, or `no change`. */
  get phase(): string {
    if (this.#step !== 'none') return this.#undoing ? 'undoing' : this.#step
    return this.#doubts.size > 0 ? 'in doubt' : 'no change'
  }

  /** What the last change is or was about. */
  get resource(): string {
    return this.#resource
  }

  get unverified(): readonly string[] {
    return [...this.#doubts]
  }

  /** From the first stage until the change is verified, rolled back or has not come to that. */
  get isChanging(): boolean {
    return ['stage', 'commit', 'write', 'verify'].includes(this.#step)
  }

  /** The disk refused a line: what is going on is not in the journal. */
  get behind(): boolean {
    return this.#behind
  }

  /** What a reader of the story is told of it. */
  take(text: string, kept: boolean): string | undefined {
    this.#behind = !kept
    if (!kept) return undefined
    const line = JSON.parse(text) as Line
    if (line.entry === 'step') {
      this.#step = line.step ?? 'none'
      this.#undoing = false
      if (line.step === 'validate') this.#resource = line.change?.resource ?? ''
      return `enters ${line.step}${line.fence === undefined ? '' : ` under fence ${line.fence}`}`
    }
    if (line.entry === 'failed') {
      this.#undoing = true
      return `its change of ${this.#resource} has failed`
    }
    if (line.entry === 'end') {
      this.#step = 'none'
      if (line.ending === 'unverified') this.#doubts.add(this.#resource)
      if (line.ending === 'applied') this.#doubts.delete(this.#resource)
      return `its change of ${this.#resource} has ended: ${line.ending}`
    }
    if (line.entry === 'unverified') this.#doubts.add(line.change?.change?.resource ?? '')
    if (line.entry === 'resolved') {
      this.#doubts.delete(line.resource ?? '')
      return `its doubt about ${line.resource} is resolved`
    }
    return undefined
  }
}
