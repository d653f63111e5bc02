import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { TraceFormatError, type TraceLayout, TraceReader } from '../../../firmware-bridge/firmware/trace.ts'
import { reasons } from '../../../firmware-bridge/link/messages.ts'
import { AIM, bench } from '../../support/firmware-bench.ts'

function layoutOf(board: string): TraceLayout {
  const path = new URL(`../../../firmware-bridge/firmware/boards/${board}/firmware.json`, import.meta.url)
  return JSON.parse(readFileSync(path, 'utf8')) as TraceLayout
}

/** A trace of zeros but for its magic. */
function blank(layout: TraceLayout): Uint8Array {
  const bytes = new Uint8Array(layout.bytes)
  new DataView(bytes.buffer).setUint32(0, 0x3152544c, true)
  return bytes
}

describe('the trace', () => {
  it('has the same layout on every board', () => {
    const { board: one, address: _, ...chip } = layoutOf('atmega328p')
    const { board: other, address: __, ...wasm } = layoutOf('wasm')
    assert.deepEqual([one, other], ['atmega328p', 'wasm'])
    assert.deepEqual(chip, wasm)
  })

  it('names the reasons as the codec does', () => {
    assert.deepEqual(layoutOf('wasm').reasons, [...reasons])
  })

  it('shows parameters as documents write them, fences, versions and refusals', () => {
    const controller = bench()
    controller.change()
    controller.refusal('stage', controller.stageRequest({ fence: 6 }))
    const { params, fences, versions, refusals, unverified } = controller.trace
    assert.deepEqual(
      { params, fences, versions, refusals, unverified },
      {
        params: {
          'aim.sensitivity': 0.65,
          'aim.deadband_deg': 0.4,
          'aim.max_slew_deg_s': 45,
          'safety.max_speed_mm_s': 250,
          'safety.max_force_n': 80,
          'safety.min_distance_mm': 400,
          'safety.geofence_radius_m': 120,
          'safety.max_altitude_m': 60
        },
        fences: { aim: 7, safety: 0 },
        versions: { aim: 3, safety: 0 },
        refusals: { 'old-fence': 1 },
        unverified: ['aim']
      }
    )
  })

  it('is not read while the firmware is at work on it, nor before it has started', () => {
    const layout = layoutOf('wasm')
    const reader = new TraceReader(layout)
    const bytes = blank(layout)
    const sequence = layout.fields.find((field) => field.name === 'sequence')!.offset
    assert.ok(reader.consistent(bytes))
    assert.ok(!reader.consistent(bytes.with(sequence, 1)))
    assert.ok(!reader.consistent(new Uint8Array(layout.bytes)))
    assert.throws(() => reader.decode(new Uint8Array(layout.bytes)), TraceFormatError)
    assert.throws(() => reader.decode(bytes.subarray(1)), TraceFormatError)
  })

  it('tells news from what changes all the time', () => {
    const layout = layoutOf('wasm')
    const reader = new TraceReader(layout)
    const at = (name: string) => layout.fields.find((field) => field.name === name)!.offset
    for (const name of ['timeMs', 'position', 'speed', 'sequence', 'frames']) {
      assert.ok(!reader.differs(blank(layout), blank(layout).with(at(name), 9)), name)
    }
    for (const name of ['motion', 'flags', 'values', 'refusals', 'fence', 'pauseId']) {
      assert.ok(reader.differs(blank(layout), blank(layout).with(at(name), 9)), name)
    }
  })

  it('shows a time that never goes back', () => {
    const controller = bench()
    const { tMs } = controller.trace
    controller.firmware.poll(tMs - 50)
    assert.equal(controller.trace.tMs, tMs)
  })

  it('is the state that the firmware acts on: what it shows is what a read answers', () => {
    const controller = bench()
    controller.change()
    controller.ask('floor', { resource: AIM, floor: 50 })
    const read = controller.ask('read', { resource: AIM })
    const { fences, floors, versions } = controller.trace
    assert.deepEqual([read.fence, read.floor, read.version], [fences.aim, floors.aim, versions.aim])
  })
})
