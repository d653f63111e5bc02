import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { loadFirmware } from '../../../firmware-bridge/firmware/boards/wasm/firmware.ts'
import { crc16 } from '../../../firmware-bridge/link/crc16.ts'
import { encodeFrame, FrameDecoder } from '../../../firmware-bridge/link/frame.ts'
import { FirmwareBench } from '../../support/firmware-bench.ts'

interface Step {
  readonly atMs: number
  readonly from: 'host' | 'controller'
  readonly says: string
  readonly body: string
  readonly wire: string
}

interface Vectors {
  readonly crc: readonly { readonly text: string; readonly crc: number }[]
  readonly frames: readonly { readonly name: string; readonly body: string; readonly wire: string }[]
  /** No frames at all. */
  readonly broken: readonly { readonly name: string; readonly wire: string }[]
  /** Frames, but not from a host. */
  readonly noRequests: readonly { readonly name: string; readonly wire: string }[]
  readonly conversations: readonly { readonly name: string; readonly steps: readonly Step[] }[]
}

const path = new URL('../../../firmware-bridge/vectors/frames.json', import.meta.url)
const vectors = JSON.parse(readFileSync(path, 'utf8')) as Vectors

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))

describe('vectors: the firmware', () => {
  for (const { name, wire } of [...vectors.broken, ...vectors.noRequests]) {
    it(`drops and counts, without an answer: ${name}`, () => {
      const controller = new FirmwareBench()
      controller.boot()
      controller.send(bytes(wire))
      controller.pass(100)
      assert.equal(controller.answers.length, 0)
      const { frames, badFrames } = controller.trace
      assert.deepEqual({ frames, badFrames }, { frames: 0, badFrames: 1 })
    })
  }

  it('takes every frame that is whole, whatever it says', () => {
    const controller = new FirmwareBench()
    controller.boot()
    const requests = vectors.frames.filter(({ wire }) => !isFromController(wire))
    for (const { wire } of requests) controller.send(bytes(wire))
    assert.equal(controller.trace.frames, requests.length)
    assert.equal(controller.trace.badFrames, 0)
  })

  for (const { name, steps } of vectors.conversations) {
    it(`holds this conversation to the byte and the millisecond: ${name}`, () => {
      const said = steps.filter((step) => step.from === 'controller').map(line)
      assert.deepEqual(replay(steps).map(line), said)
    })
  }
})

describe('vectors: the TypeScript codec', () => {
  it('computes the same CRC', () => {
    for (const { text, crc } of vectors.crc) assert.equal(crc16(Buffer.from(text)), crc, text)
  })

  it('builds and parses every frame and every line of the conversations', () => {
    for (const { body, wire } of [
      ...vectors.frames,
      ...vectors.conversations.flatMap(({ steps }) => steps)
    ]) {
      const frame = frameOf(bytes(body))
      assert.equal(Buffer.from(encodeFrame(frame)).toString('hex'), wire)
      assert.deepEqual(new FrameDecoder().push(bytes(wire)), [frame])
    }
  })

  it('drops and counts what is no frame', () => {
    for (const { name, wire } of vectors.broken) {
      const decoder = new FrameDecoder()
      assert.deepEqual(decoder.push(bytes(wire)), [], name)
      assert.equal(decoder.badFrames, 1, name)
    }
  })
})

function frameOf(body: Uint8Array) {
  const view = new DataView(body.buffer)
  return { type: body[0]!, seq: body[1]!, link: view.getUint32(2, true), payload: body.slice(6) }
}

/** The type stands behind the first COBS code, and is never 0. */
function isFromController(wire: string): boolean {
  return bytes(wire)[1]! >= 0x70
}

function line({ atMs, wire }: Pick<Step, 'atMs' | 'wire'>): string {
  return `${atMs} ${wire}`
}

/** What the controller says while the host says its part; polled every 10 ms, before the host speaks. */
function replay(steps: readonly Step[]): { atMs: number; wire: string }[] {
  const firmware = loadFirmware()
  const heard: { atMs: number; wire: string }[] = []
  const endMs = Math.max(...steps.map((step) => step.atMs))
  for (let atMs = 10; atMs <= endMs; atMs += 10) {
    firmware.poll(atMs)
    for (const step of steps) {
      if (step.from === 'host' && step.atMs === atMs) firmware.receive(bytes(step.wire))
    }
    const frames = Buffer.from(firmware.takeOutput())
      .toString('hex')
      .match(/(?:(?!00)..)+00/g)
    for (const wire of frames ?? []) heard.push({ atMs, wire })
  }
  return heard
}
