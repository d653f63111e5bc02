import { Chip, CLOCK_HZ } from './chip.ts'
import { type EepromFile, openEepromFile } from './eeprom-file.ts'
import type { Firmware } from './firmware-image.ts'
import { HostLine } from './host-line.ts'
import type { Libc } from './libc.ts'
import { Pty } from './pty.ts'
import { TraceWriter } from './trace-writer.ts'

const CYCLES_PER_MS = CLOCK_HZ / 1000
/** Changes of state are looked for this often while the chip is awake, in its own time. */
const SLICE_CYCLES = 2 * CYCLES_PER_MS
/** A process that was stopped for longer does not make up for it: the chip has then lost that time. */
const MAX_CATCH_UP_MS = 10_000

export interface BoardConfig {
  readonly name: string
  /** Where its serial device is found, a symlink. */
  readonly link: string
  /** File for the trace, JSON lines, appended to. */
  readonly trace?: string | undefined
  /** A trace of this size gets the ending `.1`, in the place of an earlier one, and a new file is begun. Without it one grows for ever. */
  readonly traceMaxBytes?: number | undefined
  /** File that keeps its EEPROM; without one it starts erased. */
  readonly eeprom?: string | undefined
}

export interface BoardSurroundings {
  readonly libc: Libc
  readonly firmware: Firmware
  /** Milliseconds on a clock that does not jump. */
  readonly now: () => number
  /** The moment of power-up on that clock. Boards that share it tick together, and wake the process once for all. */
  readonly powerUpMs: number
  /** Wall clock in milliseconds, for the trace only. */
  readonly wall: () => number
  /** Called when a board has become due earlier than it said. */
  readonly hurry: () => void
  /** Hears of what cannot go on while bytes come in, such as a full disk under a trace. */
  readonly failed: (error: unknown) => void
}

/** One emulated controller: a chip, its serial device, its trace. It runs while `step` is called. */
export class Board {
  readonly name: string
  readonly config: BoardConfig
  readonly #around: BoardSurroundings
  readonly #chip: Chip
  readonly #line: HostLine
  readonly #eeprom: EepromFile | undefined
  readonly #trace: TraceWriter | undefined
  #pty: Pty | undefined
  #epochMs: number
  #savedWrites = 0

  /** Throws LinkError, PtyError, EepromFileError or TraceError, and leaves nothing open then. */
  constructor(config: BoardConfig, around: BoardSurroundings) {
    this.name = config.name
    this.config = config
    this.#around = around
    this.#eeprom = config.eeprom === undefined ? undefined : openEepromFile(config.eeprom)
    this.#line = new HostLine({
      speeds: () => ({ host: this.#pty?.baudRate, chip: this.#chip.baudRate }),
      throttle: (on) => this.#pty?.throttle(on)
    })
    this.#chip = new Chip({
      flash: around.firmware.flash,
      line: this.#line,
      ...(this.#eeprom && { eeprom: this.#eeprom.contents })
    })
    try {
      this.#trace =
        config.trace === undefined
          ? undefined
          : new TraceWriter(config.trace, around.firmware.trace, config.traceMaxBytes)
      this.replug()
    } catch (error) {
      this.close()
      throw error
    }
    this.#epochMs = around.powerUpMs
  }

  /** When a step is next worth its while, on the clock of `now`: until then the chip sleeps and nothing comes due in it. */
  get dueMs(): number {
    return this.#epochMs + this.#chip.idleUntil / CYCLES_PER_MS
  }

  /** Brings the chip to the present moment, sends what it said, and saves what it stored. */
  step(): void {
    const targetCycles = this.#targetCycles()
    while (this.#chip.cycles < targetCycles) {
      this.#chip.runTo(Math.min(targetCycles, this.#chip.idleUntil + SLICE_CYCLES))
      const agoMs = Math.max(0, (targetCycles - this.#chip.cycles) / CYCLES_PER_MS)
      this.#trace?.sample(this.#chip, this.#around.wall() - agoMs)
    }
    const said = this.#line.drain()
    this.#pty?.send(said)
    this.#trace?.flush()
    this.#saveEeprom()
  }

  /** The reset button. */
  reset(): void {
    this.step()
    this.#chip.reset()
    this.#around.hurry()
  }

  /** Cuts the wire without a hang-up, or mends it. */
  silence(on: boolean): void {
    this.step()
    this.#line.silent = on
    this.#line.clear()
  }

  /** Pulls the plug: the device disappears; the chip runs on. */
  unplug(): void {
    this.#pty?.close()
    this.#pty = undefined
    this.#line.clear()
  }

  /** The device appears again, under another number, at the same link. */
  replug(): void {
    if (this.#pty) return
    const { libc } = this.#around
    this.#pty = new Pty({ libc, link: this.config.link, received: (bytes) => this.#received(bytes) })
  }

  close(): void {
    this.unplug()
    this.#trace?.close()
    this.#eeprom?.close()
  }

  /** The chip is brought up to now before the bytes reach it: nothing is heard before it was said. */
  #received(bytes: Buffer): void {
    try {
      this.step()
    } catch (error) {
      this.#around.failed(error)
      return
    }
    this.#line.receive(bytes)
    this.#chip.wakeLine()
    this.#around.hurry()
  }

  #targetCycles(): number {
    const now = this.#around.now()
    const behindMs = now - this.#epochMs - this.#chip.cycles / CYCLES_PER_MS
    if (behindMs > MAX_CATCH_UP_MS) this.#epochMs += behindMs - MAX_CATCH_UP_MS
    return Math.floor((now - this.#epochMs) * CYCLES_PER_MS)
  }

  #saveEeprom(): void {
    if (!this.#eeprom || this.#chip.eepromWrites === this.#savedWrites) return
    this.#savedWrites = this.#chip.eepromWrites
    this.#eeprom.save(this.#chip.eeprom())
  }
}
