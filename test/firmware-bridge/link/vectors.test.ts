import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { crc16 } from '../../../firmware-bridge/link/crc16.ts'
import { encodeFrame, type Frame, FrameDecoder } from '../../../firmware-bridge/link/frame.ts'
import {
  answerBit,
  buildRequest,
  isWellFormed,
  parseAnswer,
  parseRefusal,
  parseUnasked
} from '../../../firmware-bridge/link/messages.ts'

interface Vector {
  readonly name: string
  readonly body: string
  readonly wire: string
}
interface Line {
  readonly from: 'host' | 'controller'
  readonly says: string
  readonly body: string
  readonly wire: string
}
interface Vectors {
  readonly crc: readonly { readonly text: string; readonly crc: number }[]
  readonly frames: readonly Vector[]
  readonly broken: readonly Omit<Vector, 'body'>[]
  readonly conversations: readonly { readonly name: string; readonly steps: readonly Line[] }[]
}

const file = new URL('../../../firmware-bridge/vectors/frames.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))
const hex = (of: Uint8Array) => Buffer.from(of).toString('hex')

function frameOf(body: string): Frame {
  const raw = bytes(body)
  const link = new DataView(raw.buffer).getUint32(2, true)
  return { type: raw[0]!, seq: raw[1]!, link, payload: raw.slice(6) }
}

const steps = vectors.conversations.flatMap((conversation) => conversation.steps)
const said = (words: string): Frame => {
  const step = steps.find(({ says }) => says === words)
  assert.ok(step, `the vectors have no "${words}"`)
  return frameOf(step.body)
}

test('the CRCs are those of the vectors', () => {
  for (const { text, crc } of vectors.crc) assert.equal(crc16(new TextEncoder().encode(text)), crc, text)
})

test('every frame of the vectors is written and read to the byte', () => {
  for (const { body, wire } of [...vectors.frames, ...steps]) {
    const frame = frameOf(body)
    assert.equal(hex(encodeFrame(frame)), wire)
    assert.deepEqual(new FrameDecoder().push(bytes(wire)), [frame])
  }
})

test('every broken frame of the vectors is dropped and counted, and the next one is heard', () => {
  const good = vectors.frames[0]!
  for (const { name, wire } of vectors.broken) {
    const decoder = new FrameDecoder()
    assert.deepEqual(decoder.push(bytes(wire)), [], name)
    assert.equal(decoder.badFrames, 1, name)
    assert.equal(decoder.push(bytes(good.wire)).length, 1, name)
  }
})

test('everything that the controller says in the conversations is understood', () => {
  const heard = steps.filter(({ from }) => from === 'controller').map(({ body }) => frameOf(body))
  assert.ok(heard.length > 20)
  for (const frame of heard) {
    const understood =
      parseUnasked(frame) ?? parseRefusal(frame) ?? isWellFormed(frame.type & ~answerBit, frame.payload)
    assert.ok(understood, hex(frame.payload))
  }
  const read = parseAnswer('read', said('unverified, predecessor kept').payload)
  assert.deepEqual([read?.fence, read?.floor, read?.version, read?.unverified], [7, 7, 3, true])
  assert.equal(read?.predecessorKept, true)
  assert.deepEqual(parseRefusal(said('old-fence')), { requestType: 4, reason: 'old-fence' })
  assert.equal(parseUnasked(said('power-up: paused, booted'))?.booted, true)
  const described = parseAnswer('describe', said('aim.max_slew_deg_s 1 to 360').payload)
  assert.deepEqual(described, { param: 2, resource: 0, min: 1, max: 360, name: 'max_slew_deg_s' })
})

test('requests are built to the byte as in the conversations', () => {
  const built = {
    'PAUSE, config': buildRequest('pause', { why: 'config' }),
    'FLOOR aim 7': buildRequest('floor', { resource: 0, floor: 7 }),
    'STAGE aim, fence 7, deadline 5100, version 3': buildRequest('stage', {
      resource: 0,
      fence: 7,
      deadlineMs: 5100,
      version: 3,
      values: [
        { param: 0, value: 0.65 },
        { param: 1, value: 0.4 },
        { param: 2, value: 45 }
      ]
    }),
    'COMMIT aim, fence 7': buildRequest('commit', { resource: 0, fence: 7 }),
    'READ safety': buildRequest('read', { resource: 1 }),
    RESUME: buildRequest('resume', { pauseId: 0x10002 }),
    'CONFIRM aim, fence 7': buildRequest('confirm', { resource: 0, fence: 7 }),
    'ROLLBACK aim, fence 7': buildRequest('rollback', { resource: 0, fence: 7 }),
    'DESCRIBE 2': buildRequest('describe', { param: 2 }),
    STATUS: buildRequest('status', {})
  }
  for (const [words, payload] of Object.entries(built))
    assert.equal(hex(payload), hex(said(words).payload), words)
})
