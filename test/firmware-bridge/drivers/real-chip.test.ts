import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ControllerRefusal, ControllerUnreachable } from '../../../firmware-bridge/drivers/controller.ts'
import { createController } from '../../../firmware-bridge/drivers/index.ts'
import { startBoards } from '../../../firmware-bridge/emulator/index.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { awaitTrace, readTrace, type TraceLine } from '../../support/trace-file.ts'
import { createRecorder, waitFor } from '../../support/wait.ts'

/** A driver over serialport, a pseudo-terminal and the shipped image on an emulated ATmega328P, with its own trace. */
async function connect(t: TestContext) {
  const folder = temporaryFolder(t)
  const port = join(folder, 'axis')
  const trace = join(folder, 'trace.jsonl')
  const running = await startBoards({ boards: [{ name: 'axis', link: port, trace }] })
  t.after(() => running.stop())
  const events = createRecorder<string>()
  const controller = createController(
    { name: 'axis', driver: 'native', port, baudRate: 115_200, onHostSilent: 'stop' },
    { timers: systemClock() }
  )
  t.after(() => controller.close())
  controller.open({
    connected: () => events.add('connected'),
    disconnected: (why) => events.add(why)
  })
  await events.next('connected', (it) => it === 'connected')
  const shows = (what: string, wanted: (line: TraceLine) => boolean, sinceMs = 0) =>
    awaitTrace(trace, what, { sinceMs, wanted })
  return { controller, running, events, shows, lines: () => readTrace(trace) }
}

const values = { sensitivity: 0.65, deadband_deg: 0.4, max_slew_deg_s: 45 }
const aim = { resource: 'aim', values, version: 17, leaseLeftMs: () => 10_000 }
const moves = (line: TraceLine) => line.moving
const refusedWith = (reason: string) => (error: unknown) =>
  error instanceof ControllerRefusal && error.reason === reason

/** From the first line of that pause, or of a newer one, at standstill until the latch opens: in the chip's own order. */
function restOf(lines: readonly TraceLine[], pauseId: number): TraceLine[] {
  const from = lines.findIndex((line) => line.pauseId >= pauseId && line.paused && !line.moving)
  assert.ok(from >= 0, 'the trace shows no rest')
  const rest = lines.slice(from)
  const until = rest.findIndex((line) => !line.paused)
  return until < 0 ? rest : rest.slice(0, until)
}

test('move, pause with proof, stage, commit, read back, move: judged by the trace', async (t) => {
  const { controller, shows, lines } = await connect(t)
  await controller.resume()
  await shows('motion', moves)

  const proof = await controller.pause('config')
  await controller.stage({ ...aim, fence: 4711 })
  assert.equal(await controller.commit('aim', 4711), false)
  assert.equal(await controller.commit('aim', 4711), true)
  const stored = await controller.read('aim')
  await controller.confirm('aim', 4711)
  await controller.resume()
  const last = await shows('motion after the change', (line) => line.moving && line.fences.aim === 4711)

  assert.deepEqual(stored, { resource: 'aim', values, version: 17, fence: 4711, floor: 0, verified: false })
  const rest = restOf(lines(), proof.pauseId)
  assert.ok(
    rest.some(({ staged }) => staged.includes('aim')),
    'staged while it stood'
  )
  assert.ok(
    rest.some(({ unverified }) => unverified.includes('aim')),
    'committed while it stood'
  )
  assert.equal(rest.at(-1)?.fences.aim, 4711)
  for (const line of rest) {
    assert.equal(line.moving, false, JSON.stringify(line))
    assert.equal(line.position, proof.position, 'it stands where it was when standstill was proved')
  }
  const changing = lines().filter((line) => line.staged.length > 0 || line.unverified.length > 0)
  assert.ok(
    changing.every((line) => line.paused && !line.moving),
    'no motion with a change in progress'
  )
  assert.equal(last.params['aim.sensitivity'], 0.65)
  assert.deepEqual([last.staged, last.unverified, last.refusals], [[], [], {}])
})

test('a pause is called proved only when the axis has come to rest, though it had to brake', async (t) => {
  const { controller, shows, lines } = await connect(t)
  for (let round = 0; round < 3; round++) {
    const before = lines().length
    await controller.resume()
    await waitFor('speed', () =>
      lines()
        .slice(before)
        .some(({ speed }) => Math.abs(speed) > 5)
    )
    const proof = await controller.pause('lock')
    await shows('rest', (line) => line.pauseId === proof.pauseId && !line.moving)
    const ofThisPause = lines().filter(({ pauseId }) => pauseId === proof.pauseId)
    assert.ok(
      ofThisPause.some(({ motion }) => motion === 'decelerating'),
      'the axis had to brake'
    )
    for (const line of restOf(lines(), proof.pauseId)) assert.equal(line.position, proof.position)
  }
})

test('frames under an old fence are refused by the firmware, and its trace counts them', async (t) => {
  const { controller, shows } = await connect(t)
  await controller.pause('config')
  await controller.stage({ ...aim, fence: 20 })
  await controller.commit('aim', 20)
  await controller.confirm('aim', 20)
  await assert.rejects(controller.stage({ ...aim, fence: 19 }), refusedWith('old-fence'))
  await assert.rejects(controller.commit('aim', 19), refusedWith('old-fence'))
  await shows('two refusals', ({ refusals, fences }) => refusals['old-fence'] === 2 && fences.aim === 20)
})

test('a reset between stage and commit discards what was staged; the axis stands until it is resumed', async (t) => {
  const { controller, running, events, shows } = await connect(t)
  await controller.resume()
  await shows('motion', moves)
  await controller.pause('config')
  await controller.stage({ ...aim, fence: 5 })
  const resetMs = Date.now()
  await running.reset('axis')
  await events.next('a second hello', () => events.all.filter((it) => it === 'connected').length === 2)
  await assert.rejects(controller.commit('aim', 5), refusedWith('not-staged'))
  const line = await shows('a new link', ({ link, bootCount }) => bootCount === 2 && link !== 0, resetMs)
  assert.deepEqual([line.paused, line.moving, line.staged, line.fences.aim], [true, false, [], 0])
})

test('a controller whose wire is cut is called silent, and found again when it is mended', async (t) => {
  const { controller, running, events, shows } = await connect(t)
  await controller.resume()
  await shows('motion', moves)
  const cutMs = Date.now()
  await running.silence('axis', true)
  await events.next('silence', (it) => /the line is silent/.test(it))
  await assert.rejects(controller.pause('lock'), ControllerUnreachable)
  await shows('a stop by itself', (line) => line.hostSilent && line.paused && !line.moving, cutMs)
  await running.silence('axis', false)
  await events.next('the link again', () => events.all.at(-1) === 'connected')
  await controller.resume()
  await shows('motion again', moves, Date.now())
})

test('an unplugged device is noticed, and found again at the same path', async (t) => {
  const { controller, running, events } = await connect(t)
  await running.unplug('axis')
  await events.next('the loss', () => events.all.length > 1)
  assert.equal(controller.connected, false)
  await running.replug('axis')
  await events.next('the link again', () => events.all.at(-1) === 'connected')
  assert.equal((await controller.read('aim')).fence, 0)
})
