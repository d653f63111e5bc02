import { type Firmware, loadFirmware } from '../../firmware-bridge/firmware/boards/wasm/firmware.ts'
import type { Trace } from '../../firmware-bridge/firmware/trace.ts'
import type { Line, LineHandlers, Timers } from '../../firmware-bridge/link/line.ts'

/** What a faulty wire makes of a piece of the stream: nothing, the same, or something else. */
export type Wire = (bytes: Uint8Array, to: 'controller' | 'host') => Uint8Array

const pollMs = 1
const wireMs = 1

/** The firmware's own C core on virtual time, with a wire that can be cut and a reset button. */
export class FirmwareBoard {
  /** Every line to it goes through this. */
  wire: Wire = (bytes) => bytes
  readonly #timers: Timers
  #firmware: Firmware
  #startedMs: number
  #handlers: LineHandlers | undefined
  #plugged = true

  constructor(timers: Timers) {
    this.#timers = timers
    this.#firmware = loadFirmware()
    this.#startedMs = timers.now()
    this.#poll()
  }

  trace(): Trace {
    return this.#firmware.trace()
  }

  /** RAM is lost, EEPROM stays; a byte that was being written is whole or not written. */
  reset(): void {
    this.#firmware = loadFirmware({ eeprom: this.#firmware.eeprom.slice() })
    this.#startedMs = this.#timers.now()
  }

  unplug(): void {
    this.#plugged = false
    const handlers = this.#handlers
    this.#handlers = undefined
    handlers?.closed('unplugged')
  }

  plug(): void {
    this.#plugged = true
  }

  /** A new line to the board. */
  line = (): Line => {
    let mine: LineHandlers | undefined
    const live = () => mine !== undefined && this.#handlers === mine
    return {
      open: (handlers) => {
        mine = handlers
        this.#soon(() => {
          if (mine === undefined) return
          if (!this.#plugged) return handlers.closed('no such port')
          this.#handlers = handlers
          handlers.opened()
        })
      },
      write: (bytes) => {
        if (!live()) return
        const through = this.wire(bytes, 'controller')
        this.#soon(() => this.#firmware.receive(through))
      },
      close: async () => {
        if (live()) this.#handlers = undefined
        mine = undefined
      }
    }
  }

  #soon(run: () => void): void {
    this.#timers.after(wireMs, run)
  }

  #poll(): void {
    this.#firmware.poll(Math.floor(this.#timers.now() - this.#startedMs))
    const output = this.#firmware.takeOutput()
    if (output.length > 0) {
      const through = this.wire(output, 'host')
      const to = this.#handlers
      this.#soon(() => {
        if (to !== undefined && to === this.#handlers) to.data(through)
      })
    }
    this.#timers.after(pollMs, () => this.#poll())
  }
}
