import { type Firmware, loadFirmware } from '../../../firmware-bridge/firmware/boards/wasm/firmware.ts'
import type { Trace } from '../../../firmware-bridge/firmware/trace.ts'
import type { Line } from '../../../firmware-bridge/link/line.ts'
import type { Dice } from '../dice.ts'
import type { Life } from '../life.ts'
import type { Planned, Timeline } from '../timeline.ts'
import { SerialEnd, spoil, stillWhole } from './serial.ts'

/** How often the chip's loop runs, as far as anybody can tell: a byte of EEPROM, a step of braking, all else. */
const WRITING_MS = 3.4
const BRAKING_MS = 10
const IDLE_MS = 250
/** So many pieces of the stream are remembered, to be repeated. */
const REMEMBERED = 24

export interface BoardOptions {
  readonly name: string
  readonly timeline: Timeline
  readonly dice: Dice
  /** Opening its port resets it, as many boards are wired. */
  readonly resetsAtOpen: boolean
  /** The firmware's own state has changed, or may have. */
  readonly changed: (board: Board) => void
}

/** Why the chip's loop has turned: what it does next can come of nothing else. */
export type Cause =
  | 'time has passed'
  | 'it was reset'
  | 'its host spoke'
  | 'old frames came again'
  | 'spoilt bytes came'

/** What is wrong with a line at present. */
export interface LineTrouble {
  /** Chance that a piece of the stream is spoilt. */
  noise: number
  /** The controller hears nothing. */
  mute: boolean
  /** The controller is not heard. */
  deaf: boolean
}

/** A piece of what a host wrote, and when. */
export interface Spoken {
  readonly bytes: Uint8Array
  readonly at: number
}

/** A controller: the firmware's own core on virtual time, behind a serial line of bytes. */
export class Board {
  readonly name: string
  readonly trouble: LineTrouble = { noise: 0, mute: false, deaf: false }
  readonly #o: BoardOptions
  #firmware: Firmware = loadFirmware()
  #trace: Trace
  #resetAt: number
  readonly #rate: number
  #next: Planned | undefined
  #writingSince: number | undefined
  #writing = false
  #line: SerialEnd | undefined
  #plugged = true
  #cause: Cause = 'it was reset'
  #spokenAt = 0
  readonly #heard: Spoken[] = []
  readonly #said: Uint8Array[] = []

  constructor(options: BoardOptions) {
    this.name = options.name
    this.#o = options
    this.#resetAt = options.timeline.now
    // A ceramic resonator is no quartz.
    this.#rate = options.dice.between(0.995, 1.005)
    this.#trace = this.#firmware.trace()
    options.timeline.after(0, () => this.#turn('time has passed'))
  }

  get trace(): Trace {
    return this.#trace
  }

  /** Why its loop has turned last. */
  get cause(): Cause {
    return this.#cause
  }

  /** When its host wrote what it heard last. */
  get spokenAt(): number {
    return this.#spokenAt
  }

  /** When the present or the last storage job began, in the time of the world. */
  get writingSince(): number | undefined {
    return this.#writingSince
  }

  get writing(): boolean {
    return this.#writing
  }

  get plugged(): boolean {
    return this.#plugged
  }

  /** RAM is lost, EEPROM stays; a byte that was being written is whole or not written. */
  reset(): void {
    this.#firmware = loadFirmware({ eeprom: this.#firmware.eeprom.slice() })
    this.#resetAt = this.#o.timeline.now
    this.#writing = false
    this.#turn('it was reset')
  }

  unplug(): void {
    this.#plugged = false
    const line = this.#line
    this.#line = undefined
    line?.lost('the port is gone')
  }

  plug(): void {
    this.#plugged = true
  }

  becalm(): void {
    Object.assign(this.trouble, { noise: 0, mute: false, deaf: false })
  }

  /** A line of this process to the board; opening it takes the port from whoever had it. */
  lineOf(life: Life): Line {
    return new SerialEnd(this, life, this.#o)
  }

  // Called by a line

  take(line: SerialEnd): void {
    this.#line = line
    if (this.#o.resetsAtOpen) this.reset()
  }

  drop(line: SerialEnd): void {
    if (this.#line === line) this.#line = undefined
  }

  has(line: SerialEnd): boolean {
    return this.#line === line
  }

  receive(spoken: Spoken): void {
    const { noise, mute } = this.trouble
    if (mute) return
    const spoilt = noise > 0 && this.#o.dice.chance(noise)
    const bytes = spoilt ? spoil(spoken.bytes, this.#o.dice) : spoken.bytes
    if (!spoilt) remember(this.#heard, spoken)
    this.#spokenAt = spoken.at
    this.#hear(bytes, spoilt && !stillWhole(spoken.bytes, bytes) ? 'spoilt bytes came' : 'its host spoke')
  }

  /** What comes out at the host's end of what the board sent; nothing while it is not heard. */
  heardOf(bytes: Uint8Array): Uint8Array {
    const { noise, deaf } = this.trouble
    if (deaf) return new Uint8Array()
    if (noise > 0 && this.#o.dice.chance(noise)) return spoil(bytes, this.#o.dice)
    remember(this.#said, bytes)
    return bytes
  }

  /** The board hears some of what it heard before once more, in that order. Returns how much. */
  repeatHeard(dice: Dice): number {
    const from = dice.whole(0, Math.max(0, this.#heard.length - 1))
    const again = this.#heard.slice(from, from + dice.whole(1, 4))
    for (const { bytes } of again) this.#hear(bytes, 'old frames came again')
    return again.length
  }

  /** The host hears something that the board said before once more. False when there is none. */
  repeatSaid(dice: Dice): boolean {
    const old = this.#said.length === 0 ? undefined : dice.pick(this.#said)
    if (old !== undefined) this.#line?.fromBoard(old)
    return old !== undefined && this.#line !== undefined
  }

  #hear(bytes: Uint8Array, cause: Cause): void {
    this.#poll()
    this.#firmware.receive(bytes)
    this.#turn(cause)
  }

  #poll(): void {
    this.#firmware.poll(Math.floor((this.#o.timeline.now - this.#resetAt) * this.#rate))
  }

  #look(cause: Cause): void {
    this.#cause = cause
    this.#trace = this.#firmware.trace()
    this.#o.changed(this)
  }

  /** One turn of the chip's loop; what it has to say goes out. */
  #turn(cause: Cause): void {
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
    if (cause !== 'time has passed' || writing || wasWriting || braking || output.length > 0)
      this.#look(cause)
    this.#next?.cancel()
    const restless = this.#trace.motion === 'decelerating'
    const ms = writing ? WRITING_MS : restless ? BRAKING_MS : IDLE_MS
    this.#next = timeline.after(ms, () => this.#turn('time has passed'))
  }
}

function remember<T>(into: T[], one: T): void {
  into.push(one)
  if (into.length > REMEMBERED) into.shift()
}
