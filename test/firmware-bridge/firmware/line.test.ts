import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeFrame, type Frame } from '../../../firmware-bridge/link/frame.ts'
import { AIM, bench } from '../../support/firmware-bench.ts'
import { fuzzSeed, randomFrom } from '../../support/seed.ts'

describe('frames', () => {
  it('are found again after garbage of any kind, at the next 0x00', (t) => {
    const seed = fuzzSeed()
    t.diagnostic(`FUZZ_SEED=${seed}`)
    const random = randomFrom(seed)
    const controller = bench()
    for (let round = 0; round < 300; round += 1) {
      const length = Math.floor(random() * 400)
      controller.send(Uint8Array.from({ length }, () => Math.floor(random() * 256)))
      controller.send(Uint8Array.of(0))
      assert.ok(controller.ask('status', {}).paused)
    }
    assert.ok(controller.trace.badFrames > 250)
    assert.deepEqual(controller.trace.refusals, {})
  })

  it('of no length are ignored, and not counted', () => {
    const controller = bench()
    controller.send(new Uint8Array(100))
    assert.equal(controller.trace.badFrames, 0)
  })

  it('with any one bit wrong are dropped: nothing is done, nothing answered', () => {
    const controller = bench()
    const wire = encodeFrame({ type: 3, seq: 77, link: controller.link, payload: Uint8Array.of(1, 0, 1, 0) })
    controller.answers.length = 0
    for (let bit = 0; bit < (wire.length - 1) * 8; bit += 1) {
      const broken = wire.with(bit >> 3, wire[bit >> 3]! ^ (1 << (bit & 7)))
      controller.send(broken)
    }
    assert.equal(controller.answers.length, 0)
    assert.ok(controller.trace.paused)
  })

  it('that the controller itself might have sent are no requests: an echoing line stays calm', () => {
    const controller = bench()
    const payload = new Uint8Array(0)
    for (const type of [0x81, 0x89, 0xff])
      controller.send(encodeFrame({ type, seq: 1, link: controller.link, payload }))
    controller.send(encodeFrame({ type: 0x70, seq: 0, link: controller.link, payload: new Uint8Array(25) }))
    controller.answers.length = 0
    controller.pass(100)
    assert.equal(controller.answers.length, 0)
    assert.equal(controller.trace.badFrames, 4)
  })
})

describe('requests', () => {
  it('that are repeated exactly are answered from memory, and not executed again', () => {
    const controller = bench()
    const frame = controller.say('pause', { why: 'lock' })
    const { pauseId } = controller.trace
    const first = controller.reply(frame)
    controller.pass(50)
    controller.answers.length = 0
    controller.send(encodeFrame(frame))
    assert.deepEqual(controller.answers, [first])
    assert.equal(controller.trace.pauseId, pauseId)
  })

  it('that were refused are refused again from memory, and counted once', () => {
    const controller = bench()
    const frame = controller.say('read', { resource: 9 })
    controller.send(encodeFrame(frame))
    assert.deepEqual(controller.trace.refusals, { 'bad-resource': 1 })
  })

  it('with the same seq but another payload are new', () => {
    const controller = bench()
    const one = controller.say('read', { resource: 0 })
    controller.answers.length = 0
    controller.send(encodeFrame({ ...one, payload: Uint8Array.of(1) }))
    assert.equal(controller.answers[0]?.payload[0], 1)
  })

  it('repeated while they are being stored are answered once', () => {
    const controller = bench()
    controller.ask('stage', controller.stageRequest())
    controller.answers.length = 0
    const commit = controller.say('commit', { resource: AIM, fence: 7 })
    for (let repeat = 0; repeat < 4; repeat += 1) {
      controller.step()
      controller.send(encodeFrame(commit))
    }
    controller.until(() => !controller.firmware.writing)
    assert.deepEqual(
      controller.answers.map((frame) => [frame.type, frame.payload[0]]),
      [[0x85, 0]]
    )
  })

  it('of an unknown type, or of a wrong length, are bad requests', () => {
    const controller = bench()
    const reason = (type: number, length: number) => {
      const as: Partial<Frame> = { type, payload: new Uint8Array(length) }
      controller.answers.length = 0
      const reply = controller.reply(controller.say('status', {}, as))
      return [...reply.payload]
    }
    for (const type of [0, 13, 0x6f, 0x70, 0x7f]) assert.deepEqual(reason(type, 0), [type, 1])
    const lengths = { 1: 8, 3: 4, 5: 9, 6: 1, 7: 9, 8: 9, 9: 0, 10: 9, 11: 1, 12: 1 }
    for (const [type, length] of Object.entries(lengths)) {
      assert.deepEqual(reason(Number(type), length + 1), [Number(type), 1])
    }
  })
})

describe('hello', () => {
  it('tells who answers and what it can do', () => {
    const controller = bench()
    const { version, capabilities, maxBody, resources, params, name } = controller.hello()
    assert.deepEqual(
      { version, capabilities, maxBody, resources, params, name },
      { version: 1, capabilities: 0x7f, maxBody: 144, resources: 2, params: 8, name: 'locksmith-axis' }
    )
  })

  it('makes a new link each time, and no older one is obeyed', () => {
    const controller = bench()
    const first = controller.link
    controller.hello()
    assert.equal(controller.link, first + 1)
    for (const link of [0, first, first + 2])
      assert.equal(controller.refusal('status', {}, { link }), 'old-link')
  })

  it('repeated exactly, gives the same link again', () => {
    const controller = bench()
    controller.answers.length = 0
    const hello = controller.say('hello', { hostNonce: 5, silenceMs: 0, onSilence: 'stop' }, { link: 0 })
    controller.send(encodeFrame(hello))
    assert.equal(new Set(controller.answers.map((frame) => frame.link)).size, 1)
    assert.equal(controller.answers.length, 2)
  })

  it('of another version, or with an unknown policy, is a bad request', () => {
    const controller = bench()
    const request = { hostNonce: 5, silenceMs: 0, onSilence: 'stop' } as const
    const payload = Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0)
    assert.equal(controller.refusal('hello', request, { payload, link: 0 }), 'bad-request')
    assert.equal(
      controller.refusal('hello', request, { payload: payload.with(0, 1).with(7, 2) }),
      'bad-request'
    )
  })
})

describe('describe', () => {
  it('names every parameter with its resource and range, and no other', () => {
    const controller = bench()
    const named = Array.from({ length: 8 }, (_, param) => controller.ask('describe', { param }))
    assert.deepEqual(
      named.map(({ resource, name, min, max }) => `${resource} ${name} ${min} ${max}`),
      [
        '0 sensitivity 0 1',
        '0 deadband_deg 0 10',
        '0 max_slew_deg_s 1 360',
        '1 max_speed_mm_s 1 5000',
        '1 max_force_n 1 1000',
        '1 min_distance_mm 0 5000',
        '1 geofence_radius_m 1 5000',
        '1 max_altitude_m 1 500'
      ]
    )
    assert.equal(controller.refusal('describe', { param: 8 }), 'bad-param')
  })
})

describe('a line that nobody reads', () => {
  it('still brings a pause through, and the newest answer once it is read again', () => {
    const controller = bench()
    controller.resume()
    const request = (type: number, seq: number, payload: readonly number[]) =>
      controller.firmware.receive(
        encodeFrame({ type, seq, link: controller.link, payload: Uint8Array.from(payload) })
      )
    for (let seq = 1; seq <= 200; seq += 1) request(9, seq, [])
    request(2, 201, [1])
    assert.ok(controller.trace.paused)
    controller.step()
    controller.step()
    assert.equal(controller.answers.at(-1)?.seq, 201)
  })
})
