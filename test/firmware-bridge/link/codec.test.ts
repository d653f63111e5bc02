import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cobsDecode, cobsEncode, cobsLimit } from '../../../firmware-bridge/link/cobs.ts'
import { crc16 } from '../../../firmware-bridge/link/crc16.ts'
import { encodeFrame, type Frame, FrameDecoder, maxPayload } from '../../../firmware-bridge/link/frame.ts'
import { fuzzSeed } from '../../support/seed.ts'

const ascii = (text: string) => new TextEncoder().encode(text)

const anyFrame: fc.Arbitrary<Frame> = fc.record(
  {
    type: fc.nat(255),
    seq: fc.nat(255),
    link: fc.nat(0xffff_ffff),
    payload: fc.uint8Array({ maxLength: maxPayload })
  },
  { noNullPrototype: true }
)

test('the CRC of the check string is that of CRC-16/CCITT-FALSE', () => {
  assert.equal(crc16(ascii('123456789')), 0x29b1)
  assert.equal(crc16(new Uint8Array()), 0xffff)
})

test('stuffed bytes have no 0x00, come back the same, and are no longer than the limit', () => {
  const check = (bytes: Uint8Array) => {
    const stuffed = cobsEncode(bytes)
    assert.ok(!stuffed.includes(0))
    assert.ok(stuffed.length <= cobsLimit(bytes.length))
    assert.deepEqual(cobsDecode(stuffed), bytes)
  }
  for (const length of [0, 1, 253, 254, 255, 508, 509]) {
    check(new Uint8Array(length))
    check(new Uint8Array(length).fill(7))
  }
  const mostlyZero = fc.array(fc.oneof(fc.constant(0), fc.nat(255)), { maxLength: 600 })
  fc.assert(
    fc.property(mostlyZero, (bytes) => check(Uint8Array.from(bytes))),
    { seed: fuzzSeed() }
  )
})

test('broken stuffing is refused', () => {
  for (const bad of [[0], [3, 1], [2, 0], [1, 0, 1]])
    assert.equal(cobsDecode(Uint8Array.from(bad)), undefined)
})

test('a frame comes back whole, however the stream is cut', (t) => {
  const seed = fuzzSeed()
  t.diagnostic(`FUZZ_SEED=${seed}`)
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 5 }), fc.integer({ min: 1, max: 40 }), (frames, step) => {
      const stream = frames.flatMap((frame) => [...encodeFrame(frame), 0])
      const decoder = new FrameDecoder()
      const got: Frame[] = []
      for (let at = 0; at < stream.length; at += step) {
        got.push(...decoder.push(Uint8Array.from(stream.slice(at, at + step))))
      }
      assert.deepEqual(got, frames)
      assert.equal(decoder.badFrames, 0)
    }),
    { seed }
  )
})

test('a payload that is too long is refused by the sender', () => {
  const frame = { type: 1, seq: 1, link: 0, payload: new Uint8Array(maxPayload + 1) }
  assert.throws(() => encodeFrame(frame), RangeError)
})

test('a run that is too long is counted once, and the frame after it is heard', () => {
  const decoder = new FrameDecoder()
  const frame = { type: 9, seq: 1, link: 1, payload: new Uint8Array(maxPayload) }
  assert.deepEqual(decoder.push(new Uint8Array(1_000_000).fill(1)), [])
  assert.deepEqual(decoder.push(Uint8Array.of(0)), [])
  assert.deepEqual(decoder.push(encodeFrame(frame)), [frame])
  assert.equal(decoder.badFrames, 1)
})

test('the tail of a run that is too long is no frame, whatever it looks like', () => {
  const frame = encodeFrame({ type: 9, seq: 1, link: 1, payload: new Uint8Array() })
  for (let length = 140; length < 320; length++) {
    const decoder = new FrameDecoder()
    assert.deepEqual(decoder.push(new Uint8Array(length).fill(1)), [])
    assert.deepEqual(decoder.push(frame), [])
    assert.equal(decoder.badFrames, 1)
  }
})

type Piece = { bytes: Uint8Array; whole: Frame | undefined }

const garbage = fc.uint8Array({ maxLength: 300 }).map((bytes): Piece => ({ bytes, whole: undefined }))
const intact = anyFrame.map((whole): Piece => ({ bytes: encodeFrame(whole), whole }))
const cut = fc
  .tuple(anyFrame, fc.nat(200))
  .map(([frame, keep]): Piece => ({ bytes: encodeFrame(frame).slice(0, -2 - (keep % 8)), whole: undefined }))
const flipped = fc
  .tuple(anyFrame, fc.nat(), fc.integer({ min: 1, max: 255 }))
  .map(([frame, at, mask]): Piece => {
    const bytes = encodeFrame(frame)
    bytes[at % (bytes.length - 1)]! ^= mask
    return { bytes, whole: undefined }
  })

test('among garbage, cut and mutated frames just the frames that were sent whole are heard', (t) => {
  const seed = fuzzSeed()
  t.diagnostic(`FUZZ_SEED=${seed}`)
  const pieces = fc.array(fc.oneof(garbage, intact, cut, flipped), { maxLength: 12 })
  fc.assert(
    fc.property(pieces, (sent) => {
      const decoder = new FrameDecoder()
      const got = sent.flatMap(({ bytes }) => [...decoder.push(Uint8Array.of(0)), ...decoder.push(bytes)])
      got.push(...decoder.push(Uint8Array.of(0)))
      assert.deepEqual(
        got,
        sent.flatMap(({ whole }) => whole ?? [])
      )
    }),
    { seed, numRuns: 1_000 }
  )
})
