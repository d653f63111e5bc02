import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ControllerRefusal, ControllerUnreachable } from '../../../firmware-bridge/drivers/controller.ts'
import { createNativeController } from '../../../firmware-bridge/drivers/native/controller.ts'
import { FirmwareBoard } from '../../support/firmware-board.ts'
import { HandTimers } from '../../support/hand-timers.ts'

async function connect(t: TestContext, { onSilence = 'stop' as 'stop' | 'continue' } = {}) {
  const timers = new HandTimers()
  const board = new FirmwareBoard(timers)
  const events: string[] = []
  const controller = createNativeController({
    name: 'axis',
    line: board.line,
    timers,
    baudRate: 115_200,
    silenceMs: 1_500,
    onSilence,
    random: () => 0.5
  })
  t.after(() => controller.close())
  controller.open({ connected: () => events.push('connected'), disconnected: (why) => events.push(why) })
  await timers.advance(200)
  /** Lets time pass until the promise is settled. */
  const passing = async <T>(promise: Promise<T>): Promise<T> => {
    let over = false
    const done = () => {
      over = true
    }
    promise.then(done, done)
    for (let ms = 0; !over && ms < 30_000; ms += 5) await timers.advance(5)
    assert.ok(over, 'a promise of the driver did not settle within 30 s')
    return promise
  }
  return { timers, board, controller, events, passing }
}

const aim = { sensitivity: 0.65, deadband_deg: 0.4, max_slew_deg_s: 45 }

function stageOf(timers: HandTimers, fence: number, leaseMs = 10_000) {
  const endsMs = timers.now() + leaseMs
  return { resource: 'aim', values: aim, version: fence, fence, leaseLeftMs: () => endsMs - timers.now() }
}

const refusedWith = (reason: string) => (error: unknown) =>
  error instanceof ControllerRefusal && error.reason === reason

test('a moving axis is paused with proof, changed, read back and moved again', async (t) => {
  const { timers, board, controller, passing } = await connect(t)
  await passing(controller.resume())
  await timers.advance(2_000)
  assert.equal(board.trace().moving, true)

  const proof = await passing(controller.pause('config'))
  assert.equal(board.trace().moving, false)
  assert.equal(board.trace().paused, true)
  assert.equal(proof.motion, 'standstill')

  await passing(controller.stage(stageOf(timers, 4711)))
  assert.deepEqual(board.trace().staged, ['aim'])
  assert.equal(await passing(controller.commit('aim', 4711)), false)
  assert.equal(await passing(controller.commit('aim', 4711)), true)
  assert.equal(board.trace().params['aim.sensitivity'], 0.65)
  await assert.rejects(passing(controller.resume()), refusedWith('unverified'))

  const stored = await passing(controller.read('aim'))
  assert.deepEqual(stored, {
    resource: 'aim',
    values: aim,
    version: 4711,
    fence: 4711,
    floor: 0,
    verified: false
  })
  await passing(controller.confirm('aim', 4711))
  assert.equal((await passing(controller.read('aim'))).verified, true)
  await passing(controller.resume())
  await timers.advance(500)
  assert.equal(board.trace().moving, true)
})

test('a pause is proved only after the axis came to rest, and the trace agrees at that moment', async (t) => {
  const { timers, board, controller, passing } = await connect(t)
  await passing(controller.resume())
  for (let round = 0; round < 20; round++) {
    await timers.advance(137 * round)
    let atProof: boolean | undefined
    const pause = controller.pause('lock').then(() => {
      atProof = board.trace().moving
    })
    await passing(pause)
    assert.equal(atProof, false)
    await passing(controller.resume())
  }
})

test('what is staged is discarded by the controller itself when the lease has run out', async (t) => {
  const { timers, board, controller, passing } = await connect(t)
  await passing(controller.pause('config'))
  const began = timers.now()
  await passing(controller.stage(stageOf(timers, 7, 600)))
  assert.deepEqual(board.trace().staged, ['aim'])
  await timers.advance(began + 600 - timers.now())
  assert.deepEqual(board.trace().staged, [])
  await assert.rejects(passing(controller.commit('aim', 7)), refusedWith('late'))
})

test('a stage whose pause was acknowledged after many repeats only ends before the lease, never later', async (t) => {
  const { timers, board, controller, passing } = await connect(t)
  await passing(controller.pause('config'))
  const began = timers.now()
  board.wire = (bytes, to) => (to === 'host' && timers.now() < began + 1_600 ? new Uint8Array() : bytes)
  await passing(controller.stage(stageOf(timers, 7, 5_000)))
  const stagedMs = timers.now() - began
  assert.ok(stagedMs > 1_600, `staged after ${stagedMs} ms`)
  assert.deepEqual(board.trace().staged, ['aim'])
  while (board.trace().staged.length > 0 && timers.now() < began + 6_000) await timers.advance(1)
  const endedMs = timers.now() - began
  assert.ok(endedMs <= 5_000 && endedMs > 5_000 - stagedMs - 100, `the stage ended after ${endedMs} ms`)
})

test('an older fence, one below the floor, and one that is spent are refused by the firmware', async (t) => {
  const { timers, board, controller, passing } = await connect(t)
  await passing(controller.pause('config'))
  await passing(controller.stage(stageOf(timers, 10)))
  await passing(controller.commit('aim', 10))
  await passing(controller.rollback('aim', 10))
  assert.equal(board.trace().params['aim.sensitivity'], 0.5)
  await assert.rejects(passing(controller.stage(stageOf(timers, 10))), refusedWith('spent-fence'))
  await assert.rejects(passing(controller.stage(stageOf(timers, 9))), refusedWith('old-fence'))
  await passing(controller.setFloor('aim', 20))
  await assert.rejects(passing(controller.stage(stageOf(timers, 19))), refusedWith('old-fence'))
  await passing(controller.stage(stageOf(timers, 20)))
  await passing(controller.discard('aim'))
  await assert.rejects(passing(controller.commit('aim', 20)), refusedWith('not-staged'))
  assert.deepEqual(board.trace().refusals, { 'old-fence': 2, 'spent-fence': 1, 'not-staged': 1 })
})

test('a commit whose answer is lost is repeated, and committed once', async (t) => {
  const { timers, board, controller, passing } = await connect(t)
  await passing(controller.pause('config'))
  await passing(controller.stage(stageOf(timers, 5)))
  let lost = 0
  board.wire = (bytes, to) => {
    if (to === 'controller' || lost > 0) return bytes
    lost++
    return new Uint8Array()
  }
  assert.equal(await passing(controller.commit('aim', 5)), false)
  assert.equal(lost, 1)
  assert.ok(controller.counters.repeats >= 1)
})

test('after a reset the link is made anew, the axis stands, and what was staged is gone', async (t) => {
  const { timers, board, controller, passing, events } = await connect(t)
  await passing(controller.pause('config'))
  await passing(controller.stage(stageOf(timers, 5)))
  board.reset()
  await timers.advance(100)
  assert.deepEqual(events.slice(-1), ['connected'])
  assert.equal(events.length, 3)
  assert.equal(controller.status?.paused, true)
  assert.equal(board.trace().booted, false)
  await assert.rejects(passing(controller.commit('aim', 5)), refusedWith('not-staged'))
})

test('a host that falls silent stops the axis, or not, as it was configured', async (t) => {
  for (const onSilence of ['stop', 'continue'] as const) {
    const { timers, board, controller, passing } = await connect(t, { onSilence })
    await passing(controller.resume())
    await timers.advance(5_000)
    assert.equal(board.trace().moving, true, 'heartbeats keep it moving')
    board.wire = () => new Uint8Array()
    await timers.advance(4_000)
    assert.equal(board.trace().hostSilent, true)
    assert.equal(board.trace().moving, onSilence === 'continue')
    board.wire = (bytes) => bytes
    await timers.advance(6_000)
    assert.equal(controller.connected, true)
    assert.equal(board.trace().moving, onSilence === 'continue', 'silence that ends starts nothing')
  }
})

test('an axis does not stop when three frames of its host in a row are lost, because none is repeated later than half a second', async (t) => {
  const { timers, board, controller, passing } = await connect(t)
  await passing(controller.resume())
  await timers.advance(2_000)
  let lost = 0
  for (let round = 1; round <= 5; round++) {
    board.wire = (bytes, to) => {
      if (to === 'host' || lost === 3 * round) return bytes
      lost++
      return new Uint8Array()
    }
    await timers.advance(4_000)
    assert.equal(lost, 3 * round)
    assert.equal(board.trace().hostSilent, false)
    assert.equal(board.trace().moving, true)
  }
  assert.equal(controller.counters.reconnects, 0)
})

test('an unplugged controller is unreachable at once, and found again when it is back', async (t) => {
  const { timers, board, controller, passing, events } = await connect(t)
  const asked = controller.read('aim')
  board.unplug()
  await assert.rejects(passing(asked), ControllerUnreachable)
  await timers.advance(3_000)
  assert.equal(events[1], 'unplugged')
  board.plug()
  await timers.advance(5_000)
  assert.equal(events.at(-1), 'connected')
  assert.equal((await passing(controller.read('aim'))).fence, 0)
})
