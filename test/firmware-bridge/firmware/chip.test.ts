import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Chip, CLOCK_HZ } from '../../../firmware-bridge/emulator/chip.ts'
import { readFirmware } from '../../../firmware-bridge/emulator/firmware-image.ts'
import type { Trace } from '../../../firmware-bridge/firmware/trace.ts'
import { encodeFrame, type Frame, FrameDecoder } from '../../../firmware-bridge/link/frame.ts'
import {
  type Answers,
  buildRequest,
  parseAnswer,
  type RequestName,
  type Requests,
  requestTypes
} from '../../../firmware-bridge/link/messages.ts'
import { AIM, SHARP } from '../../support/firmware-bench.ts'

const CYCLES_PER_MS = CLOCK_HZ / 1000
const { flash, trace: reader } = readFirmware()

/** The committed image on an emulated ATmega328P, in this process and at the speed of this process. */
class ChipBench {
  readonly chip: Chip
  readonly heard: Frame[] = []
  readonly #toChip: number[] = []
  readonly #decoder = new FrameDecoder()
  #seq = 0
  #link = 0

  constructor(eeprom?: Uint8Array) {
    const line = {
      take: () => this.#toChip.shift(),
      sent: (byte: number) => this.heard.push(...this.#decoder.push(Uint8Array.of(byte)))
    }
    this.chip = new Chip({ flash, line, ...(eeprom === undefined ? {} : { eeprom }) })
  }

  get trace(): Trace {
    return reader!.decode(this.chip.memory(reader!.address, reader!.length))
  }

  get nowMs(): number {
    return this.chip.cycles / CYCLES_PER_MS
  }

  until(seen: () => boolean, withinMs = 2000): void {
    for (const end = this.nowMs + withinMs; !seen(); this.pass(0.25)) {
      assert.ok(this.nowMs < end, `not seen within ${withinMs} ms of the chip's time`)
    }
  }

  pass(ms: number): void {
    this.chip.runTo(this.chip.cycles + ms * CYCLES_PER_MS)
  }

  say<N extends RequestName>(name: N, request: Requests[N]): number {
    this.#seq += 1
    const link = name === 'hello' ? 0 : this.#link
    const payload = buildRequest(name, request)
    this.#toChip.push(...encodeFrame({ type: requestTypes[name], seq: this.#seq, link, payload }))
    this.chip.wakeLine()
    return this.#seq
  }

  ask<N extends RequestName>(name: N, request: Requests[N]): Answers[N] {
    const seq = this.say(name, request)
    const found = () => this.heard.find((frame) => frame.seq === seq)
    this.until(() => found() !== undefined)
    const frame = found()!
    const answer = frame.type === (requestTypes[name] | 0x80) ? parseAnswer(name, frame.payload) : undefined
    assert.ok(answer, `${name}: ${Buffer.from(frame.payload).toString('hex')}`)
    this.#link = frame.link
    return answer
  }

  /** Up, with a link. */
  start(): this {
    this.until(() => this.heard.length > 0)
    this.ask('hello', { hostNonce: 1, silenceMs: 0, onSilence: 'stop' })
    return this
  }

  stage(fence: number): void {
    const deadlineMs = Math.round(this.trace.tMs) + 10_000
    this.ask('stage', { resource: AIM, fence, deadlineMs, version: 3, values: SHARP })
  }
}

describe('the committed image on the chip', () => {
  it('patrols, stops, commits, confirms, and finds it again after a reset', () => {
    const board = new ChipBench().start()
    board.ask('resume', { pauseId: board.trace.pauseId })
    board.pass(1000)
    assert.ok(board.trace.moving)
    board.ask('pause', { why: 'config' })
    board.until(() => board.trace.motion === 'standstill')
    board.stage(7)
    board.ask('commit', { resource: AIM, fence: 7 })
    board.ask('confirm', { resource: AIM, fence: 7 })
    board.chip.reset()
    board.pass(100)
    board.start()
    const { values, version, fence, unverified } = board.ask('read', { resource: AIM })
    assert.deepEqual(
      { values, version, fence, unverified },
      { values: SHARP, version: 3, fence: 7, unverified: false }
    )
    assert.equal(board.trace.bootCount, 2)
  })

  it('speaks at 115200 baud, within the tolerance of a receiver', () => {
    const { baudRate } = new ChipBench().start().chip
    assert.ok(Math.abs(baudRate / 115_200 - 1) < 0.025, `${baudRate} baud`)
  })

  it('answers a pause within a frame time, also in the middle of a commit', () => {
    const board = new ChipBench().start()
    board.stage(7)
    const commit = board.say('commit', { resource: AIM, fence: 7 })
    board.pass(50)
    const from = board.nowMs
    board.ask('pause', { why: 'operator' })
    assert.ok(board.nowMs - from < 5, `${board.nowMs - from} ms`)
    assert.ok(!board.heard.some((frame) => frame.seq === commit))
    board.until(() => board.heard.some((frame) => frame.seq === commit))
  })

  it('whose power is cut at any byte of a commit has the old or the new set whole', () => {
    const board = new ChipBench().start()
    board.stage(7)
    const cuts: Uint8Array[] = []
    let writes = board.chip.eepromWrites
    const commit = board.say('commit', { resource: AIM, fence: 7 })
    board.until(() => {
      if (board.chip.eepromWrites !== writes) cuts.push(board.chip.eeprom())
      writes = board.chip.eepromWrites
      return board.heard.some((frame) => frame.seq === commit)
    })
    assert.ok(cuts.length > 20, `${cuts.length} bytes written`)
    const fences = cuts.map((cut) => {
      const next = new ChipBench(cut).start()
      const { fence, version, values } = next.ask('read', { resource: AIM })
      if (fence === 7) assert.deepEqual({ version, values }, { version: 3, values: SHARP })
      else assert.equal(version, 0)
      assert.ok(!next.trace.storageFault)
      return fence
    })
    assert.equal(fences.at(-1), 7)
    assert.ok(fences.slice(0, -1).every((fence) => fence === 0))
  })

  it('takes a byte stream at full speed without losing one, and its stack stays far from its variables', () => {
    const board = new ChipBench()
    const ram = board.chip.memory(0x500, 0x900 - 0x500)
    ram.fill(0xa5)
    board.start()
    const { frames } = board.trace
    for (let round = 0; round < 50; round += 1) board.say('status', {})
    board.pass(1000)
    assert.equal(board.trace.frames, frames + 50)
    assert.equal(board.chip.overruns, 0)
    board.stage(7)
    board.ask('commit', { resource: AIM, fence: 7 })
    board.ask('rollback', { resource: AIM, fence: 7 })
    const free = board.chip.memory(0x500, 0x900 - 0x500).findIndex((byte) => byte !== 0xa5)
    assert.ok(free > 600, `${free} bytes between variables and stack`)
  })

  it('sleeps when idle: it is awake for less than a twentieth of its time', () => {
    const board = new ChipBench().start()
    board.ask('resume', { pauseId: board.trace.pauseId })
    let awake = 0
    for (let look = 0; look < 4000; look += 1) {
      board.pass(0.25 + (look % 7) / 100)
      if (!board.chip.asleep) awake += 1
    }
    assert.ok(awake < 200, `awake at ${awake} of 4000 looks`)
  })
})
