import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  ControllerRefusal,
  type ControllerStatus,
  ControllerUnreachable,
  StandstillUnproved
} from '../../../firmware-bridge/drivers/controller.ts'
import { createNativeController } from '../../../firmware-bridge/drivers/native/controller.ts'
import { requestTypes } from '../../../firmware-bridge/link/messages.ts'
import { HandTimers, settle } from '../../support/hand-timers.ts'
import { Puppet, pauseAnswer } from '../../support/puppet-controller.ts'

async function connect(t: TestContext) {
  const timers = new HandTimers()
  const puppet = new Puppet()
  const controller = createNativeController({
    name: 'axis',
    line: puppet.line,
    timers,
    baudRate: 115_200,
    silenceMs: 1_500,
    onSilence: 'stop',
    random: () => 0.5
  })
  t.after(() => controller.close())
  const events: string[] = []
  const statuses: ControllerStatus[] = []
  controller.open({
    connected: () => events.push('connected'),
    disconnected: (why) => events.push(why),
    status: (status) => statuses.push(status)
  })
  await timers.advance(50)
  return { timers, puppet, controller, events, statuses }
}

/** How a promise ended, once it has. */
function watched<T>(promise: Promise<T>) {
  const seen: { value?: T; error?: unknown; over: boolean } = { over: false }
  promise.then(
    (value) => Object.assign(seen, { value, over: true }),
    (error: unknown) => Object.assign(seen, { error, over: true })
  )
  return seen
}

test('after hello the controller is connected and has said what it is', async (t) => {
  const { controller, events, statuses, puppet } = await connect(t)
  assert.deepEqual(events, ['connected'])
  assert.equal(controller.connected, true)
  assert.deepEqual(controller.parameters, { aim: { sensitivity: { min: 0, max: 1 } }, safety: {} })
  assert.ok(Object.values(controller.capabilities ?? {}).every((it) => it))
  assert.equal(statuses.length, 1)
  assert.equal(puppet.hellos, 1)
})

test('pause does not resolve on its acknowledgement, nor on a proof of an older pause', async (t) => {
  const { controller, puppet, timers } = await connect(t)
  const { state } = puppet
  puppet.reply = () => {
    state.pauseId++
    return pauseAnswer({ ...state, motion: 2 })
  }
  state.motion = 2
  const pause = watched(controller.pause('lock', 5_000))
  await timers.advance(1_000)
  assert.equal(pause.over, false)
  state.motion = 0
  const proved = state.pauseId
  state.pauseId = proved - 1
  puppet.tells()
  state.motion = 2
  state.pauseId = proved
  await timers.advance(200)
  assert.equal(pause.over, false)
  state.motion = 0
  puppet.tells()
  await settle()
  assert.equal(pause.value?.pauseId, proved)
  assert.equal(pause.value?.motion, 'standstill')
})

test('an open latch proves nothing, though the axis stands', async (t) => {
  const { controller, puppet, timers } = await connect(t)
  puppet.reply = () => pauseAnswer(puppet.state)
  puppet.state.pauseId++
  puppet.state.paused = false
  const pause = watched(controller.pause('lock', 1_000))
  await timers.advance(999)
  assert.equal(pause.over, false)
  await timers.advance(1)
  assert.ok(pause.error instanceof StandstillUnproved)
})

test('a pause without proof in time is refused with not-standing and says what was seen', async (t) => {
  const { controller, puppet, timers } = await connect(t)
  puppet.reply = () => pauseAnswer({ ...puppet.state, motion: 1 })
  puppet.state.motion = 1
  puppet.state.pauseId++
  const pause = watched(controller.pause('lock', 3_000))
  await timers.advance(3_000)
  assert.ok(pause.error instanceof StandstillUnproved && pause.error.reason === 'not-standing')
  assert.match(pause.error.message, /last seen moving/)
})

test('the deadline of a stage is the time of the repeated pause plus the lease left when its answer came', async (t) => {
  const { controller, puppet, timers } = await connect(t)
  let pauses = 0
  puppet.state.timeMs = 0xffff_ff00
  puppet.reply = (request) => {
    if (request.type === requestTypes.stage) return new Uint8Array(4)
    return ++pauses === 1 ? 'nothing' : pauseAnswer(puppet.state)
  }
  const leaseEndsMs = timers.now() + 1_000
  const stage = controller.stage({
    resource: 'aim',
    values: { sensitivity: 0.5 },
    version: 3,
    fence: 4711,
    leaseLeftMs: () => leaseEndsMs - timers.now()
  })
  await timers.advance(200)
  await stage
  const staged = puppet.requests.at(-1)!
  const view = new DataView(staged.payload.buffer, staged.payload.byteOffset)
  const deadlineMs = view.getUint32(9, true)
  const leaseLeftMs = (deadlineMs - puppet.state.timeMs) >>> 0
  assert.equal(pauses, 2)
  assert.ok(leaseLeftMs <= 1_000 - 100, `${leaseLeftMs} must have shrunk by the time of the repeat`)
  const slowest = 1 - 0.005
  assert.ok(leaseLeftMs / slowest < 1_000 - 100, 'it is early also where the clock of the controller is slow')
  assert.ok(leaseLeftMs > 800)
})

test('with no lease left nothing is staged', async (t) => {
  const { controller, puppet } = await connect(t)
  puppet.reply = () => pauseAnswer(puppet.state)
  const request = { resource: 'aim', values: { sensitivity: 0.5 }, version: 1, fence: 1 }
  for (const left of [0, -5, 0.4, Number.NaN]) {
    const late = controller.stage({ ...request, leaseLeftMs: () => left })
    await assert.rejects(late, (error) => error instanceof ControllerRefusal && error.reason === 'late')
  }
  assert.ok(puppet.requests.every((it) => it.type === requestTypes.pause))
})

test('what cannot be sent is refused before anything is written', async (t) => {
  const { controller, puppet } = await connect(t)
  const request = {
    resource: 'aim',
    values: { sensitivity: 0.5 },
    version: 1,
    fence: 1,
    leaseLeftMs: () => 9
  }
  await assert.rejects(
    controller.stage({ ...request, resource: 'coffee' }),
    /bad-resource \(it has no coffee\)/
  )
  await assert.rejects(
    controller.stage({ ...request, values: { sugar: 1 } }),
    /bad-param \(it has no sugar\)/
  )
  await assert.rejects(controller.commit('aim', -1), /bad-request \(fence must be a whole number/)
  assert.deepEqual(puppet.requests, [])
})

test('a refusal carries the reason by its name', async (t) => {
  const { controller, puppet } = await connect(t)
  puppet.reply = () => 'old-fence'
  await assert.rejects(controller.commit('aim', 7), { name: 'ControllerRefusal', reason: 'old-fence' })
})

test('resume names the newest pause and resolves when the latch was seen open', async (t) => {
  const { controller, puppet, timers } = await connect(t)
  puppet.reply = (request) => {
    if (request.type === requestTypes.resume) return new Uint8Array(4)
    puppet.state.pauseId++
    return pauseAnswer(puppet.state)
  }
  await controller.pause('config')
  const resume = watched(controller.resume())
  await timers.advance(300)
  assert.equal(resume.over, false)
  puppet.state.paused = false
  await timers.advance(100)
  assert.deepEqual(resume, { value: undefined, over: true })
  const sent = puppet.requests.at(-1)!.payload
  assert.equal(new DataView(sent.buffer).getUint32(0, true), puppet.state.pauseId)
})

test('resume after a stage undoes the pause that the stage repeated', async (t) => {
  const { controller, puppet, timers } = await connect(t)
  puppet.reply = (request) => {
    if (request.type !== requestTypes.pause) return new Uint8Array(4)
    puppet.state.pauseId++
    return pauseAnswer(puppet.state)
  }
  const values = { sensitivity: 0.5 }
  await controller.stage({ resource: 'aim', values, version: 1, fence: 1, leaseLeftMs: () => 900 })
  const resume = controller.resume()
  await settle()
  puppet.state.paused = false
  await timers.advance(100)
  await resume
  const sent = puppet.requests.at(-1)!.payload
  assert.equal(new DataView(sent.buffer).getUint32(0, true), puppet.state.pauseId)
})

test('a pause that falls in while resuming makes resume fail', async (t) => {
  const { controller, puppet, timers } = await connect(t)
  puppet.reply = () => new Uint8Array(4)
  const resume = watched(controller.resume())
  await settle()
  puppet.state.pauseId++
  await timers.advance(100)
  assert.ok(resume.error instanceof ControllerRefusal && resume.error.reason === 'old-pause')
})

test('silence is noticed without anybody asking, and the line is opened anew', async (t) => {
  const { controller, puppet, timers, events } = await connect(t)
  puppet.silent = true
  await timers.advance(3_400)
  assert.equal(controller.connected, false)
  assert.match(events[1] ?? '', /the line is silent: no answer to status/)
  assert.equal(puppet.lines[0]?.closed, true)
  puppet.silent = false
  await timers.advance(5_000)
  assert.deepEqual(events.slice(2), ['connected'])
  assert.equal(controller.counters.reconnects, 1)
})

test('a controller that is slow for two seconds is not given up, and the pause asked meanwhile is proved', async (t) => {
  const { controller, puppet, timers, events } = await connect(t)
  puppet.reply = () => {
    puppet.state.pauseId++
    return pauseAnswer(puppet.state)
  }
  for (let round = 0; round < 10; round++) {
    puppet.silent = true
    const pause = watched(controller.pause('lock'))
    await timers.advance(2_100)
    assert.equal(pause.over, false)
    puppet.silent = false
    await timers.advance(600)
    assert.equal(pause.value?.motion, 'standstill')
  }
  assert.deepEqual(events, ['connected'])
  assert.equal(controller.counters.reconnects, 0)
})

test('a resume whose latch is seen open only after two seconds is no failure', async (t) => {
  const { controller, puppet, timers } = await connect(t)
  puppet.reply = () => {
    puppet.silent = true
    puppet.state.paused = false
    return new Uint8Array(4)
  }
  const resume = watched(controller.resume())
  await timers.advance(2_600)
  assert.equal(resume.over, false)
  puppet.tells()
  await settle()
  assert.deepEqual(resume, { value: undefined, over: true })
})

test('a request under way when the line breaks is unreachable, and is not sent again on the next line', async (t) => {
  const { controller, puppet, timers } = await connect(t)
  puppet.reply = () => 'nothing'
  const commit = watched(controller.commit('aim', 1))
  await settle()
  puppet.wire.breaks('unplugged')
  await settle()
  assert.ok(commit.error instanceof ControllerUnreachable)
  assert.match(commit.error.message, /unplugged/)
  await assert.rejects(controller.commit('aim', 2), ControllerUnreachable)
  await timers.advance(1_000)
  assert.equal(controller.connected, true)
  assert.equal(puppet.requests.length, 1)
})

test('nothing asked before the first hello is ever written', async (t) => {
  const { controller, puppet } = await connect(t)
  const fresh = createNativeController({
    name: 'axis',
    line: puppet.line,
    timers: new HandTimers(),
    baudRate: 115_200,
    silenceMs: 0,
    onSilence: 'continue',
    random: () => 0
  })
  await assert.rejects(fresh.pause('lock'), /pause was not sent: not open yet/)
  fresh.open({})
  await assert.rejects(fresh.resume(), ControllerUnreachable)
  await settle()
  assert.deepEqual(puppet.requests, [])
  await fresh.close()
  await controller.close()
  await assert.rejects(controller.pause('lock'), /closed by this host/)
})

test('a controller that restarts is greeted again on the same line, told by its own words', async (t) => {
  const { controller, puppet, timers, events } = await connect(t)
  puppet.reboots()
  puppet.tells()
  await timers.advance(20)
  assert.equal(puppet.lines.length, 1)
  assert.equal(puppet.hellos, 2)
  assert.match(events[1] ?? '', /restarted, or another host said hello/)
  assert.deepEqual(events.slice(2), ['connected'])
  assert.equal(controller.connected, true)
})

test('a controller that restarts unseen is greeted again when it refuses the old link', async (t) => {
  const { controller, puppet, timers, events } = await connect(t)
  puppet.reboots()
  await assert.rejects(controller.commit('aim', 1), ControllerUnreachable)
  await timers.advance(20)
  assert.equal(events.at(-1), 'connected')
  assert.deepEqual(puppet.requests, [])
})

test('a stranger that keeps saying hello is not answered in a storm', async (t) => {
  const { puppet, timers } = await connect(t)
  for (let ms = 0; ms < 60_000; ms += 50) {
    puppet.state.link++
    await timers.advance(50)
  }
  assert.ok(puppet.hellos < 40, `${puppet.hellos} hellos in a minute`)
})

test('a missing port is told once, and tried with growing pauses of at most five seconds', async (t) => {
  const timers = new HandTimers()
  const triedMs: number[] = []
  const line = () => {
    const puppet = new Puppet()
    const broken = puppet.line()
    triedMs.push(timers.now())
    broken.open = (handlers) => queueMicrotask(() => handlers.closed('no such port'))
    return broken
  }
  const why: string[] = []
  const controller = createNativeController({
    name: 'axis',
    line,
    timers,
    baudRate: 9600,
    silenceMs: 0,
    onSilence: 'stop',
    random: () => 0
  })
  t.after(() => controller.close())
  controller.open({ disconnected: (said) => why.push(said) })
  await timers.advance(60_000)
  assert.deepEqual(why, ['no such port'])
  const gaps = triedMs.slice(1).map((ms, at) => ms - triedMs[at]!)
  assert.deepEqual(gaps.slice(0, 6), [100, 200, 400, 800, 1600, 2500])
  assert.ok(gaps.every((ms) => ms <= 5_000))
})

test('closing settles what is under way and leaves no timer behind', async (t) => {
  const { controller, puppet, timers, events } = await connect(t)
  puppet.reply = () => 'nothing'
  const commit = watched(controller.commit('aim', 1))
  const pause = watched(controller.pause('lock'))
  await settle()
  await controller.close()
  await settle()
  assert.ok(commit.error instanceof ControllerUnreachable && pause.error instanceof ControllerUnreachable)
  assert.equal(timers.pending, 0)
  assert.deepEqual(events, ['connected'])
  assert.equal(puppet.wire.closed, true)
})
