import { type Firmware, loadFirmware } from '../../../firmware-bridge/firmware/boards/wasm/firmware.ts'
import type { Trace } from '../../../firmware-bridge/firmware/trace.ts'
import type { Line, LineHandlers } from '../../../firmware-bridge/link/line.ts'
import type { Dice } from '../dice.ts'
import type { Life } from '../life.ts'
import type { Planned, Timeline } from '../timeline.ts'

/** How often the chip's loop runs, as far as anybody can tell: a byte of EEPROM, a step of braking, all else. */
const WRITING_MS = 3.4
const BRAKING_MS = 10
const IDLE_MS = 250
const BYTE_MS = 10 / 115.2

export interface BoardOptions {
  readonly name: string
  readonly timeline: Timeline
  readonly dice: Dice
  /** Opening its port resets it, as many boards are wired. */
  readonly resetsAtOpen: boolean
  /** The firmware's own state has changed, or may have. */
  readonly changed: (board: Board) => void
}

/** A controller: the firmware's own core on virtual time, behind a serial line of bytes. */
export class Board {
  readonly name: string
  readonly #o: BoardOptions
  #firmware: Firmware = loadFirmware()
  #trace: Trace
  #resetAt: number
  #next: Planned | undefined
  #writingSince: number | undefined
  #writing = false
  #line: SerialEnd | undefined
  /** Chance that a piece of the stream is spoilt. */
  noise = 0

  constructor(options: BoardOptions) {
    this.name = options.name
    this.#o = options
    this.#resetAt = options.timeline.now
    this.#trace = this.#firmware.trace()
    options.timeline.after(0, () => this.#turn())
  }

  get trace(): Trace {
    return this.#trace
  }

  /** When the present or the last storage job began, in the time of the world. */
  get writingSince(): number | undefined {
    return this.#writingSince
  }

  get writing(): boolean {
    return this.#writing
  }

  /** RAM is lost, EEPROM stays; a byte that was being written is whole or not written. */
  reset(): void {
    this.#firmware = loadFirmware({ eeprom: this.#firmware.eeprom.slice() })
    this.#resetAt = this.#o.timeline.now
    this.#writing = false
    this.#turn('was reset')
  }

  /** A line of this process to the board; opening it takes the port from whoever had it. */
  lineOf(life: Life): Line {
    return new SerialEnd(this, life, this.#o)
  }

  /** Called by a line. */
  take(line: SerialEnd): void {
    this.#line = line
    if (this.#o.resetsAtOpen) this.reset()
  }

  drop(line: SerialEnd): void {
    if (this.#line === line) this.#line = undefined
  }

  receive(bytes: Uint8Array): void {
    this.#poll()
    this.#firmware.receive(this.spoil(bytes))
    this.#turn('was spoken to')
  }

  spoil(bytes: Uint8Array): Uint8Array {
    const { dice } = this.#o
    if (!dice.chance(this.noise)) return bytes
    const kind = dice.whole(0, 2)
    const at = dice.whole(0, bytes.length - 1)
    if (kind === 0) return bytes.slice(0, at)
    if (kind === 1) return Buffer.concat([bytes, Buffer.from([dice.whole(0, 255)])])
    const spoilt = bytes.slice()
    spoilt[at] = (spoilt[at] ?? 0) ^ (1 << dice.whole(0, 7))
    return spoilt
  }

  #poll(): void {
    this.#firmware.poll(Math.floor(this.#o.timeline.now - this.#resetAt))
  }

  #look(): void {
    this.#trace = this.#firmware.trace()
    this.#o.changed(this)
  }

  /** One turn of the chip's loop; what it has to say goes out. */
  #turn(why: 'time has passed' | 'was spoken to' | 'was reset' = 'time has passed'): void {
    const { timeline } = this.#o
    this.#poll()
    const output = this.#firmware.takeOutput()
    if (output.length > 0) this.#line?.fromBoard(output)
    const { writing } = this.#firmware
    const braking = this.#trace.motion === 'decelerating'
    if (writing && !this.#writing) this.#writingSince = timeline.now
    const wasWriting = this.#writing
    this.#writing = writing
    // Whatever else it does by itself, it says so.
    if (why !== 'time has passed' || writing || wasWriting || braking || output.length > 0) this.#look()
    this.#next?.cancel()
    const restless = this.#trace.motion === 'decelerating'
    const ms = writing ? WRITING_MS : restless ? BRAKING_MS : IDLE_MS
    this.#next = timeline.after(ms, () => this.#turn())
  }
}

/** The host's end of a serial line, good for one life. */
class SerialEnd implements Line {
  readonly #board: Board
  readonly #life: Life
  readonly #o: BoardOptions
  #handlers: LineHandlers | undefined
  #open = false
  #toBoardAt = 0
  #toHostAt = 0

  constructor(board: Board, life: Life, options: BoardOptions) {
    this.#board = board
    this.#life = life
    this.#o = options
    life.onEnd(() => this.#end())
  }

  open(handlers: LineHandlers): void {
    this.#handlers = handlers
    this.#life.clock.after(1, () => {
      if (this.#handlers === undefined) return
      this.#open = true
      this.#board.take(this)
      handlers.opened()
    })
  }

  write(bytes: Uint8Array): void {
    if (!this.#open) return
    const copy = bytes.slice()
    this.#life.effect(() => {
      const { timeline } = this.#o
      this.#toBoardAt = this.#arrival(this.#toBoardAt, copy)
      timeline.at(this.#toBoardAt, () => this.#board.receive(copy))
    })
  }

  fromBoard(bytes: Uint8Array): void {
    this.#toHostAt = this.#arrival(this.#toHostAt, bytes)
    this.#o.timeline.at(this.#toHostAt, () => {
      const heard = this.#board.spoil(bytes)
      this.#life.deliver(() => {
        if (this.#open && heard.length > 0) this.#handlers?.data(heard)
      })
    })
  }

  close(): Promise<void> {
    this.#end()
    return Promise.resolve()
  }

  #end(): void {
    this.#open = false
    this.#handlers = undefined
    this.#board.drop(this)
  }

  /** Bytes take their time on the wire, and a little longer through the host's driver. */
  #arrival(before: number, { length }: Uint8Array): number {
    const { timeline, dice } = this.#o
    return Math.max(before, timeline.now) + length * BYTE_MS + dice.between(0.05, 2)
  }
}
