import fs from 'node:fs'
import type { TraceReader } from '../firmware/trace.ts'
import { type Chip, CLOCK_HZ } from './chip.ts'

/** A line is due after this much of the chip's time: short of 100 ms by more than a tick of the firmware, between which nobody looks. */
const BEAT_CYCLES = 0.085 * CLOCK_HZ
/** The firmware's RAM is read while it sleeps; one that never does is read all the same after so many slices. */
const AWAKE_SLICES = 10

/** A trace that was asked for cannot be written. */
export class TraceError extends Error {
  constructor(file: string, why: string) {
    super(`trace ${file}: ${why}`)
    this.name = 'TraceError'
  }
}

/** Appends what the firmware's own state says to a file: a JSON line at every change of state, and at least every 100 ms. */
export class TraceWriter {
  readonly #reader: TraceReader
  readonly #file: string
  readonly #maxBytes: number
  #fd: number
  #bytes = 0
  #last: Uint8Array | undefined
  #dueAt = 0
  #skipped = 0
  #lines = ''

  /** Throws {@link TraceError}. */
  constructor(file: string, reader: TraceReader | undefined, maxBytes = Number.POSITIVE_INFINITY) {
    if (!reader)
      throw new TraceError(
        file,
        'this firmware does not say where its state lies (no firmware.json beside its image)'
      )
    this.#reader = reader
    this.#file = file
    this.#maxBytes = maxBytes
    this.#fd = this.#open()
  }

  /** Looks at the chip's RAM; `atMs` is the wall clock of that moment. */
  sample(chip: Chip, atMs: number): void {
    if (!chip.asleep && this.#skipped++ < AWAKE_SLICES) return
    this.#skipped = 0
    const { address, length } = this.#reader
    const now = chip.memory(address, length)
    if (!this.#reader.consistent(now)) return
    if (chip.cycles < this.#dueAt && this.#last && !this.#reader.differs(now, this.#last)) return
    this.#last = now.slice()
    this.#dueAt = chip.cycles + BEAT_CYCLES
    this.#lines += `${JSON.stringify({ ...this.#reader.decode(this.#last), atMs: Math.round(atMs) })}\n`
  }

  /** Writes what was sampled. Throws {@link TraceError}. */
  flush(): void {
    if (this.#lines === '') return
    const lines = this.#lines
    this.#lines = ''
    this.#bytes += this.#attempt(() => fs.writeSync(this.#fd, lines))
    if (this.#bytes >= this.#maxBytes) this.#turnOver()
  }

  #open(): number {
    return this.#attempt(() => {
      const fd = fs.openSync(this.#file, 'a')
      this.#bytes = fs.fstatSync(fd).size
      return fd
    })
  }

  /** The old file is whole, and keeps its inode: whoever is reading it goes on to its end, and then opens the new one. */
  #turnOver(): void {
    this.close()
    this.#attempt(() => fs.renameSync(this.#file, `${this.#file}.1`))
    this.#fd = this.#open()
  }

  close(): void {
    fs.closeSync(this.#fd)
  }

  #attempt<T>(act: () => T): T {
    try {
      return act()
    } catch (error) {
      throw new TraceError(this.#file, error instanceof Error ? error.message : String(error))
    }
  }
}
