import type { Frame } from '../../firmware-bridge/link/frame.ts'
import type { LineHandlers } from '../../firmware-bridge/link/line.ts'
import { reasons, requestTypes } from '../../firmware-bridge/link/messages.ts'
import { ScriptedLine } from './scripted-line.ts'

/** What the puppet reports of itself. A test changes it at will: there are no rules behind it. */
export interface PuppetState {
  link: number
  bootCount: number
  pauseId: number
  paused: boolean
  motion: 0 | 1 | 2
  timeMs: number
}

/** What to say to a request: a payload, a refusal, or nothing at all. */
export type Reply = Uint8Array | (typeof reasons)[number] | 'nothing'

/**
 * The far end of lines, moved by strings: it answers hello, describe (one parameter, `aim`'s `sensitivity`) and status
 * from its state, and everything else as the test says. For the order of frames on the wire; what a controller may
 * refuse or do is tested on the firmware itself.
 */
export class Puppet {
  readonly state: PuppetState = {
    link: 0,
    bootCount: 1,
    pauseId: 0x10001,
    paused: true,
    motion: 0,
    timeMs: 1000
  }
  readonly lines: ScriptedLine[] = []
  /** Requests other than hello, describe and status. */
  readonly requests: Frame[] = []
  hellos = 0
  silent = false
  reply: (request: Frame) => Reply = () => 'bad-request'
  #n = 0

  /** A new line to the puppet; it opens by itself. */
  line = (): ScriptedLine => {
    const line = new PuppetLine((frame) => this.#answer(line, frame))
    this.lines.push(line)
    return line
  }

  get wire(): ScriptedLine {
    return this.lines.at(-1)!
  }

  /** Sends the status unasked. */
  tells(): void {
    this.wire.says({ type: 0x70, seq: 0, link: this.state.link, payload: this.#status() })
  }

  /** What a reset does to the numbers. */
  reboots(): void {
    this.state.bootCount++
    this.#n = 0
    this.state.link = 0
  }

  #answer(line: ScriptedLine, request: Frame): void {
    if (this.silent) return
    const reply = this.#replyTo(request)
    if (reply === 'nothing') return
    const { link } = this.state
    if (reply instanceof Uint8Array) {
      line.says({ type: request.type | 0x80, seq: request.seq, link, payload: reply })
    } else {
      const payload = Uint8Array.of(request.type, reasons.indexOf(reply) + 1)
      line.says({ type: 0xff, seq: request.seq, link, payload })
    }
  }

  #replyTo(request: Frame): Reply {
    if (request.type === requestTypes.hello) return this.#hello(request)
    if (request.type !== requestTypes.pause && request.link !== this.state.link) return 'old-link'
    if (request.type === requestTypes.describe) return describe
    if (request.type === requestTypes.status) return this.#status()
    this.requests.push(request)
    return this.reply(request)
  }

  #hello(request: Frame): Uint8Array {
    this.hellos++
    this.state.link = this.state.bootCount * 0x10000 + ++this.#n
    const payload = new Uint8Array(22)
    payload.set(request.payload.subarray(0, 5))
    const view = new DataView(payload.buffer)
    view.setUint16(5, this.state.bootCount, true)
    view.setUint32(7, this.state.timeMs, true)
    payload.set([0x7f, 0, 144, 2, 1], 11)
    payload.set(Buffer.from('puppet'), 16)
    return payload
  }

  #status(): Uint8Array {
    const payload = new Uint8Array(25)
    const view = new DataView(payload.buffer)
    view.setUint32(0, this.state.timeMs, true)
    view.setUint32(4, this.state.pauseId, true)
    view.setUint8(8, (this.state.paused ? 1 : 0) | (this.state.link === 0 ? 4 : 0))
    view.setUint8(9, this.state.motion)
    return payload
  }
}

const describe = Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x3f, ...Buffer.from('sensitivity')])

/** `pauseId u32, timeMs u32, motion u8` */
export function pauseAnswer(state: PuppetState): Uint8Array {
  const payload = new Uint8Array(9)
  const view = new DataView(payload.buffer)
  view.setUint32(0, state.pauseId, true)
  view.setUint32(4, state.timeMs, true)
  view.setUint8(8, state.motion)
  return payload
}

class PuppetLine extends ScriptedLine {
  readonly #heard: (frame: Frame) => void

  constructor(heard: (frame: Frame) => void) {
    super()
    this.#heard = heard
  }

  override open(handlers: LineHandlers): void {
    super.open(handlers)
    queueMicrotask(() => this.opened())
  }

  override write(bytes: Uint8Array): void {
    const before = this.frames.length
    super.write(bytes)
    const fresh = this.frames.slice(before)
    queueMicrotask(() => {
      for (const frame of fresh) this.#heard(frame)
    })
  }
}
