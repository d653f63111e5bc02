import type { Line, LineHandlers } from '../../../firmware-bridge/link/line.ts'
import type { Dice } from '../dice.ts'
import type { Life } from '../life.ts'
import type { Timeline } from '../timeline.ts'
import type { Board } from './board.ts'

const BYTE_MS = 10 / 115.2

export interface SerialOptions {
  readonly timeline: Timeline
  readonly dice: Dice
}

/** The host's end of a serial line, good for one life. */
export class SerialEnd implements Line {
  readonly #board: Board
  readonly #life: Life
  readonly #o: SerialOptions
  #handlers: LineHandlers | undefined
  #open = false
  #toBoardAt = 0
  #toHostAt = 0

  constructor(board: Board, life: Life, options: SerialOptions) {
    this.#board = board
    this.#life = life
    this.#o = options
    life.onEnd(() => this.#end())
  }

  open(handlers: LineHandlers): void {
    this.#handlers = handlers
    this.#life.clock.after(1, () => {
      if (this.#handlers === undefined) return
      if (!this.#board.plugged) return this.lost('there is no such port')
      this.#open = true
      this.#board.take(this)
      handlers.opened()
    })
  }

  write(bytes: Uint8Array): void {
    if (!this.#open) return
    const copy = bytes.slice()
    const { timeline } = this.#o
    const at = timeline.now
    this.#life.effect(() => {
      this.#toBoardAt = this.#arrival(this.#toBoardAt, copy)
      timeline.at(this.#toBoardAt, () => {
        if (this.#board.plugged) this.#board.receive({ bytes: copy, at })
      })
    })
  }

  fromBoard(bytes: Uint8Array): void {
    this.#toHostAt = this.#arrival(this.#toHostAt, bytes)
    this.#o.timeline.at(this.#toHostAt, () => {
      const heard = this.#board.heardOf(bytes)
      this.#life.deliver(() => {
        if (this.#open && heard.length > 0) this.#handlers?.data(heard)
      })
    })
  }

  /** The port is gone: the process is told. */
  lost(why: string): void {
    const handlers = this.#handlers
    this.#end()
    this.#o.timeline.after(1, () => this.#life.deliver(() => handlers?.closed(why)))
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

/** A piece of the stream that is cut short, longer, or has another bit somewhere. */
export function spoil(bytes: Uint8Array, dice: Dice): Uint8Array {
  const kind = dice.whole(0, 2)
  const at = dice.whole(0, bytes.length - 1)
  if (kind === 0) return bytes.slice(0, at)
  if (kind === 1) return Buffer.concat([bytes, Buffer.from([dice.whole(0, 255)])])
  const spoilt = bytes.slice()
  spoilt[at] = (spoilt[at] ?? 0) ^ (1 << dice.whole(0, 7))
  return spoilt
}

/** Whether a frame of the original, from one zero byte to the next, is unharmed in what came of it. */
export function stillWhole(original: Uint8Array, spoilt: Uint8Array): boolean {
  const whole = new Set(framesIn(original))
  return framesIn(spoilt).some((frame) => frame !== '' && whole.has(frame))
}

const framesIn = (bytes: Uint8Array): readonly string[] => Buffer.from(bytes).toString('latin1').split('\0')
