import assert from 'node:assert/strict'
import { type Firmware, loadFirmware } from '../../firmware-bridge/firmware/boards/wasm/firmware.ts'
import type { Trace } from '../../firmware-bridge/firmware/trace.ts'
import { encodeFrame, type Frame, FrameDecoder } from '../../firmware-bridge/link/frame.ts'
import {
  type Answers,
  buildRequest,
  parseAnswer,
  parseRefusal,
  type RequestName,
  type Requests,
  refusalType,
  requestTypes,
  unaskedStatusType
} from '../../firmware-bridge/link/messages.ts'

const STEP_MS = 10
const ANSWER_WITHIN_MS = 2000

/** In the order of their numbers on the wire. */
export const AIM = 0
export const SAFETY = 1

/** All parameters of a resource with given values (as float32, as they come back), in the order of their numbers. */
export function valuesOf(resource: number, values: readonly number[]) {
  const first = resource === AIM ? 0 : 3
  return values.map((value, index) => ({ param: first + index, value: Math.fround(value) }))
}

export const SHARP = valuesOf(AIM, [0.65, 0.4, 45])
export const WIDE = valuesOf(SAFETY, [500, 100, 300, 200, 80])

/** The firmware under a hand-driven clock, and a host that says exactly what it is told to. */
export class FirmwareBench {
  readonly firmware: Firmware
  /** Unasked frames heard so far. */
  readonly unasked: Frame[] = []
  /** Every other frame heard so far. */
  readonly answers: Frame[] = []
  nowMs = 0
  link = 0
  seq = 0
  readonly #decoder = new FrameDecoder()

  constructor(eeprom?: Uint8Array) {
    this.firmware = loadFirmware(eeprom === undefined ? {} : { eeprom })
  }

  get trace(): Trace {
    return this.firmware.trace()
  }

  /** Polls once, `ms` later. */
  step(ms = STEP_MS): void {
    this.nowMs += ms
    this.firmware.poll(this.nowMs)
    this.#listen()
  }

  pass(ms: number): void {
    for (let left = ms; left > 0; left -= STEP_MS) this.step(Math.min(left, STEP_MS))
  }

  /** Steps until `seen`; fails after `withinMs`. */
  until(seen: () => boolean, withinMs = ANSWER_WITHIN_MS): void {
    for (let left = withinMs; !seen(); left -= STEP_MS) {
      assert.ok(left > 0, `not seen within ${withinMs} ms`)
      this.step()
    }
  }

  /** Puts bytes on the line. */
  send(bytes: Uint8Array): void {
    this.firmware.receive(bytes)
    this.#listen()
  }

  /** Sends a request and does not wait; a field given in `as` overrides its frame's. */
  say<N extends RequestName>(name: N, request: Requests[N], as: Partial<Frame> = {}): Frame {
    this.seq = (this.seq % 255) + 1
    const payload = buildRequest(name, request)
    const frame = { type: requestTypes[name], seq: this.seq, link: this.link, payload, ...as }
    this.send(encodeFrame(frame))
    return frame
  }

  /** The frame that answers, accepted or refused. */
  reply(to: Frame): Frame {
    const found = () => this.answers.find((frame) => frame.seq === to.seq)
    this.until(() => found() !== undefined)
    return found()!
  }

  /** Sends a request; its answer, which must not be a refusal. */
  ask<N extends RequestName>(name: N, request: Requests[N], as: Partial<Frame> = {}): Answers[N] {
    this.answers.length = 0
    const reply = this.reply(this.say(name, request, as))
    assert.notEqual(reply.type, refusalType, `${name} was refused ${parseRefusal(reply)?.reason}`)
    const answer = parseAnswer(name, reply.payload)
    assert.ok(answer, `an answer to ${name} that cannot be read`)
    return answer
  }

  /** Sends a request that must be refused; the reason. */
  refusal<N extends RequestName>(name: N, request: Requests[N], as: Partial<Frame> = {}): string {
    this.answers.length = 0
    const reply = this.reply(this.say(name, request, as))
    const refusal = parseRefusal(reply)
    assert.ok(refusal, `${name} was not refused`)
    assert.equal(refusal.requestType, requestTypes[name])
    return refusal.reason
  }

  hello(policy: { silenceMs?: number; onSilence?: 'stop' | 'continue' } = {}): Answers['hello'] {
    const request = { hostNonce: this.nowMs, silenceMs: 0, onSilence: 'stop', ...policy } as const
    const answer = this.ask('hello', request, { link: 0 })
    this.link = this.answers.at(-1)!.link
    return answer
  }

  /** Stages with a deadline in 10 s unless told otherwise. */
  stageRequest(overrides: Partial<Requests['stage']> = {}): Requests['stage'] {
    return {
      resource: AIM,
      fence: 7,
      deadlineMs: this.nowMs + 10_000,
      version: 3,
      values: SHARP,
      ...overrides
    }
  }

  /** Stage and commit. */
  change(overrides: Partial<Requests['stage']> = {}): Answers['commit'] {
    const request = this.stageRequest(overrides)
    this.ask('stage', request)
    return this.ask('commit', { resource: request.resource, fence: request.fence })
  }

  resume(): void {
    this.ask('resume', { pauseId: this.trace.pauseId })
  }

  /** Pauses, and waits for the proof of standstill. */
  stand(): void {
    this.ask('pause', { why: 'config' })
    this.until(() => !this.trace.moving)
  }

  /** The controller after a reset or power cut at this moment, up and with a link. */
  afterReset(): FirmwareBench {
    const next = new FirmwareBench(this.firmware.eeprom.slice())
    next.boot()
    next.hello()
    return next
  }

  boot(): void {
    this.until(() => this.unasked.length > 0)
  }

  #listen(): void {
    for (const frame of this.#decoder.push(this.firmware.takeOutput())) {
      if (frame.type === unaskedStatusType) this.unasked.push(frame)
      else this.answers.push(frame)
    }
  }
}

/** A controller that is up, has a link and stands, as after every start. */
export function bench(policy: { silenceMs?: number; onSilence?: 'stop' | 'continue' } = {}): FirmwareBench {
  const made = new FirmwareBench()
  made.boot()
  made.hello(policy)
  return made
}
