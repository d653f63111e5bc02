import { resample, sameBaud } from './baud.ts'

/** Beyond this much on its way to the chip the client has to wait, as it does at a real port. */
const HIGH_WATER_BYTES = 1024

export interface HostLineOptions {
  /** Speeds of both ends, in bits per second; undefined when that end's speed is not known. */
  readonly speeds: () => { readonly host: number | undefined; readonly chip: number }
  /** Asks the client to wait, or to go on. */
  readonly throttle: (on: boolean) => void
}

/** The wire between client and chip: bytes on their way in both directions, garbled when the speeds differ, lost when it is cut. */
export class HostLine {
  /** A cut wire: nothing passes, and nobody is told. */
  silent = false
  readonly #options: HostLineOptions
  #toChip: Buffer[] = []
  #offset = 0
  #waiting = 0
  #throttled = false
  #toHost: number[] = []

  constructor(options: HostLineOptions) {
    this.#options = options
  }

  /** From the client. */
  receive(bytes: Buffer): void {
    if (this.silent || bytes.length === 0) return
    const { host, chip } = this.#options.speeds()
    this.#toChip.push(garble(bytes, host ?? chip, chip))
    this.#waiting += bytes.length
    this.#setThrottle()
  }

  /** The next byte for the chip. */
  take(): number | undefined {
    const first = this.#toChip[0]
    if (!first) return undefined
    const byte = first[this.#offset++]
    this.#waiting -= 1
    if (this.#offset >= first.length) {
      this.#toChip.shift()
      this.#offset = 0
    }
    this.#setThrottle()
    return byte
  }

  /** From the chip. */
  sent(byte: number): void {
    if (!this.silent) this.#toHost.push(byte)
  }

  /** What has left the chip since the last call. */
  drain(): Uint8Array {
    if (this.#toHost.length === 0) return new Uint8Array()
    const bytes = Buffer.from(this.#toHost)
    this.#toHost = []
    const { host, chip } = this.#options.speeds()
    return garble(bytes, chip, host ?? chip)
  }

  /** Forgets what is under way, as when the plug is pulled. */
  clear(): void {
    this.#toChip = []
    this.#offset = 0
    this.#waiting = 0
    this.#toHost = []
    this.#setThrottle()
  }

  #setThrottle(): void {
    const on = this.#waiting > (this.#throttled ? HIGH_WATER_BYTES / 2 : HIGH_WATER_BYTES)
    if (on === this.#throttled) return
    this.#throttled = on
    this.#options.throttle(on)
  }
}

function garble(bytes: Buffer, senderBaud: number, receiverBaud: number): Buffer {
  if (sameBaud(senderBaud, receiverBaud)) return bytes
  return Buffer.from(bytes.map((byte) => resample(byte, senderBaud, receiverBaud)))
}
