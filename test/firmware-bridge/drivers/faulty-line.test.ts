import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ControllerRefusal, ControllerUnreachable } from '../../../firmware-bridge/drivers/controller.ts'
import { createNativeController } from '../../../firmware-bridge/drivers/native/controller.ts'
import { FirmwareBoard } from '../../support/firmware-board.ts'
import { HandTimers } from '../../support/hand-timers.ts'
import { fuzzSeed, randomFrom } from '../../support/seed.ts'

/** Loses, flips, doubles, cuts and adds bytes, each with a chance of a few percent per piece. */
function faultyWire(random: () => number) {
  return (bytes: Uint8Array): Uint8Array => {
    const chance = random()
    if (chance < 0.04) return new Uint8Array()
    if (chance < 0.08)
      return bytes.map((byte) => (random() < 0.1 ? byte ^ (1 << Math.floor(random() * 8)) : byte))
    if (chance < 0.1) return Uint8Array.from([...bytes, ...bytes])
    if (chance < 0.12) return bytes.slice(0, Math.floor(random() * bytes.length))
    if (chance < 0.14) return Uint8Array.from([Math.floor(random() * 256), ...bytes])
    return bytes
  }
}

function run(seed: number) {
  const random = randomFrom(seed)
  const timers = new HandTimers()
  const board = new FirmwareBoard(timers)
  const controller = createNativeController({
    name: 'axis',
    line: board.line,
    timers,
    baudRate: 115_200,
    silenceMs: 3_000,
    onSilence: 'stop',
    random
  })
  return { random, timers, board, controller }
}

/** Every promise settles within 20 s, with a value or with one of the two errors of the driver; undefined for an error. */
async function settled<T>(timers: HandTimers, promise: Promise<T>): Promise<T | undefined> {
  let over = false
  const result = promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error })
  )
  void result.then(() => {
    over = true
  })
  for (let ms = 0; !over && ms < 20_000; ms += 5) await timers.advance(5)
  assert.ok(over, 'a promise did not settle within 20 s')
  const how = await result
  if ('value' in how) return how.value
  assert.ok(
    how.error instanceof ControllerRefusal || how.error instanceof ControllerUnreachable,
    String(how.error)
  )
  return undefined
}

test('over a line that loses, flips, doubles and cuts, what the driver says is what the firmware did', async (t) => {
  const seed = fuzzSeed()
  t.diagnostic(`FUZZ_SEED=${seed}`)
  const { random, timers, board, controller } = run(seed)
  t.after(() => controller.close())
  controller.open({})
  const tally = { proofs: 0, commits: 0, reads: 0, resumes: 0 }
  board.wire = faultyWire(random)
  for (let fence = 1; fence <= 150; fence++) {
    if (random() < 0.05) board.reset()
    if (
      random() < 0.3 &&
      (await settled(
        timers,
        controller.resume().then(() => board.trace().paused)
      )) === false
    ) {
      tally.resumes++
    }
    await timers.advance(random() * 500)
    const moving = await settled(
      timers,
      controller.pause('config', 3_000).then(() => board.trace().moving)
    )
    if (moving === undefined) continue
    assert.equal(moving, false, `fence ${fence}: proof of standstill while the axis moved`)
    tally.proofs++
    const values = { sensitivity: fence / 1_000, deadband_deg: 1, max_slew_deg_s: 90 }
    const endsMs = timers.now() + 2_000
    const leaseLeftMs = () => endsMs - timers.now()
    await settled(timers, controller.stage({ resource: 'aim', values, version: fence, fence, leaseLeftMs }))
    const already = await settled(timers, controller.commit('aim', fence))
    if (already !== undefined) {
      tally.commits++
      assert.equal(board.trace().fences.aim, fence)
    }
    const stored = await settled(timers, controller.read('aim'))
    if (stored !== undefined) {
      tally.reads++
      assert.equal(stored.fence, board.trace().fences.aim)
      assert.equal(stored.values.sensitivity, board.trace().params['aim.sensitivity'])
    }
    const high = board.trace().fences.aim ?? 0
    await settled(timers, random() < 0.5 ? controller.confirm('aim', high) : controller.rollback('aim', high))
  }
  t.diagnostic(JSON.stringify({ ...tally, ...controller.counters }))
  assert.ok(tally.proofs > 100 && tally.commits > 50 && tally.reads > 80 && tally.resumes > 5)
  assert.ok(controller.counters.badFrames > 20 && controller.counters.repeats > 100)
})

test('once the line is clean again the controller is reachable within the longest backoff', async (t) => {
  const seed = fuzzSeed()
  t.diagnostic(`FUZZ_SEED=${seed}`)
  const { random, timers, board, controller } = run(seed)
  t.after(() => controller.close())
  controller.open({})
  for (let round = 0; round < 20; round++) {
    board.wire = (bytes) => bytes.map(() => Math.floor(random() * 256))
    await timers.advance(random() * 8_000)
    board.wire = (bytes) => bytes
    await timers.advance(8_000)
    assert.equal(controller.connected, true, `round ${round}: ${timers.now()}`)
  }
})
