import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { UnsendableValue } from '../../../firmware-bridge/link/bytes.ts'
import { shortestOfFloat32 } from '../../../firmware-bridge/link/float32.ts'
import {
  buildRequest,
  parseAnswer,
  parseRefusal,
  parseUnasked,
  type RequestName,
  requestTypes
} from '../../../firmware-bridge/link/messages.ts'
import { fuzzSeed } from '../../support/seed.ts'

const names = Object.keys(requestTypes) as RequestName[]
const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

test('requests are laid out as PROTOCOL.md says', () => {
  const hello = buildRequest('hello', { hostNonce: 0x01020304, silenceMs: 2000, onSilence: 'continue' })
  assert.equal(toHex(hello), '01' + '04030201' + 'd007' + '01')
  assert.equal(toHex(buildRequest('pause', { why: 'operator' })), '04')
  assert.equal(toHex(buildRequest('resume', { pauseId: 0x00020001 })), '01000200')
  const stage = buildRequest('stage', {
    resource: 1,
    fence: 2 ** 53 - 1,
    deadlineMs: 0xffff_fffe,
    version: 17,
    values: [{ param: 3, value: 0.5 }]
  })
  assert.equal(toHex(stage), '01' + 'ffffffffffff1f00' + 'feffffff' + '11000000' + '01' + '03' + '0000003f')
  assert.equal(toHex(buildRequest('commit', { resource: 0, fence: 4711 })), '00' + '6712000000000000')
  assert.equal(buildRequest('status', {}).length, 0)
})

test('a number that does not fit its field is refused with words', () => {
  const bad = [-1, 0.5, Number.NaN, 2 ** 53]
  for (const fence of bad) {
    assert.throws(() => buildRequest('commit', { resource: 0, fence }), UnsendableValue)
  }
  assert.throws(
    () => buildRequest('read', { resource: 256 }),
    /resource must be a whole number from 0 to 255/
  )
  const values = Array.from({ length: 30 }, (_, param) => ({ param, value: 0 }))
  const long = { resource: 0, fence: 1, deadlineMs: 0, version: 1, values }
  assert.throws(() => buildRequest('stage', long), UnsendableValue)
})

test('a stored document is read with its flags, fences and values', () => {
  const payload = hex('00 05 6712000000000000 0100000000000000 11000000 01 02 0000003f')
  assert.deepEqual(parseAnswer('read', payload), {
    resource: 0,
    unverified: true,
    neverCommitted: false,
    predecessorKept: true,
    fence: 4711,
    floor: 1,
    version: 17,
    values: [{ param: 2, value: 0.5 }]
  })
})

test('a status is read in full', () => {
  const payload = hex('e8030000 01000200 03 02 40420f00 c0bdf0ff 01 02 05 0300 0400')
  const status = parseUnasked({ type: 0x70, seq: 0, link: 0, payload })
  assert.deepEqual(status, {
    timeMs: 1000,
    pauseId: 0x20001,
    paused: true,
    hostSilent: true,
    booted: false,
    storageFault: false,
    motion: 'decelerating',
    positionMicro: 1_000_000,
    speedMicro: -1_000_000,
    stagedBits: 1,
    unverifiedBits: 2,
    why: 5,
    badFrames: 3,
    refused: 4
  })
  assert.deepEqual(parseAnswer('status', payload), status)
})

test('payloads of a wrong length, or with impossible values, are no answers', () => {
  assert.equal(parseAnswer('pause', hex('01000000 02000000 03')), undefined)
  assert.equal(parseAnswer('commit', hex('01 02000000 00')), undefined)
  assert.equal(parseAnswer('commit', hex('01 020000')), undefined)
  assert.equal(parseAnswer('floor', hex('0000000000002000')), undefined)
  assert.equal(parseAnswer('describe', hex('00 00 00000000 0000803f 61 0a')), undefined)
})

test('whatever arrives, parsing never throws', (t) => {
  const seed = fuzzSeed()
  t.diagnostic(`FUZZ_SEED=${seed}`)
  const payloads = fc.uint8Array({ maxLength: 138 })
  const anyType = fc.constantFrom(0x70, 0xff)
  fc.assert(
    fc.property(fc.constantFrom(...names), anyType, payloads, (name, type, payload) => {
      parseAnswer(name, payload)
      parseUnasked({ type, seq: 0, link: 0, payload })
      parseRefusal({ type, seq: 0, link: 0, payload })
    }),
    { seed, numRuns: 2_000 }
  )
})

test('a value comes back from the wire as the decimal that was sent', () => {
  for (const value of [0.65, 0.4, 45, 250, 1e-7, 16_777_217, -0.1, 0, 1.2345]) {
    const back = shortestOfFloat32(Math.fround(value))
    assert.equal(Math.fround(back), Math.fround(value))
    if (value !== 16_777_217) assert.equal(back, value)
  }
})
