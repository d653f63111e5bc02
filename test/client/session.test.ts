import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Truth } from '../../src/client/index.ts'
import { emptyDisk } from '../../src/lock-manager/index.ts'
import { aside, clear, follow, granted } from '../support/fate.ts'
import { StallingClock } from '../support/stalling-clock.ts'
import { House, TTL_MS } from '../support/test-locksmith.ts'

test('a session comes into contact by itself, and its lease counts from the sending of the heartbeat', async () => {
  const house = await new House().open()
  const truths: Truth[] = []
  const session = house.session('ops', { onTruth: (truth) => truths.push(truth) })
  await house.clock.advance(10)
  // The reply to a heartbeat is held back for 4 s.
  const letGo = house.broker.hold('ops')
  const sentAt = house.clock.now()
  const refreshed = follow(session.refresh(10_000))
  await house.clock.advance(4000)
  letGo()
  await house.clock.advance(1)
  assert.equal(refreshed.value?.sentAt, sentAt)
  // A thousandth is left to clocks that part.
  assert.equal(session.leaseLeftMs(), sentAt + 0.999 * TTL_MS - house.clock.now())
})

test('a grant carries its fence, and its lease is the session’s', async () => {
  const house = await new House().open()
  const session = house.session('ops')
  const grant = await granted(house, session)
  assert.equal(grant.fence('*:aim'), house.record('*:aim')?.fence)
  assert.equal(grant.leftMs(), session.leaseLeftMs())
  assert.ok(grant.leftMs() > 0)
})

test('a living session keeps its grant', async () => {
  const house = await new House().open()
  const grant = await granted(house, house.session('ops'))
  await house.clock.advance(10 * TTL_MS)
  assert.equal(grant.lost.aborted, false)
  assert.ok(grant.leftMs() > 0)
})

test('without replies the grant is lost when the lease has run out, before Locksmith orphans it', async () => {
  const house = await new House().open()
  const grant = await granted(house, house.session('ops'))
  house.broker.loses = (to) => to === 'ops'
  await house.clock.advance(TTL_MS)
  assert.equal(grant.lost.aborted, true)
  assert.equal((grant.lost.reason as { code?: string }).code, 'LK-1016')
  assert.equal(grant.leftMs(), 0)
  assert.equal(house.record('*:aim')?.state, 'held')
})

test('an owner is told truly by what it lost its lock: the lease ran out, or Locksmith does not know the session', async () => {
  const why: string[] = []
  const onContact = (contact: boolean, how: string) => void (contact || why.push(how))
  const house = await new House().open()
  const silent = await granted(house, house.session('ops', { onContact }))
  house.broker.loses = (to) => to === 'ops'
  await house.clock.advance(TTL_MS)
  assert.equal((silent.lost.reason as Error).message, 'the lease ran out')
  house.broker.loses = () => false
  const restored = await new House().open()
  const grant = await granted(restored, restored.session('ops', { onContact }))
  restored.kill()
  restored.disk = emptyDisk()
  restored.start()
  await restored.clock.advance(TTL_MS / 2)
  assert.ok(grant.lost.aborted)
  assert.match((grant.lost.reason as Error).message, /^Locksmith does not know this session: its store was/)
  assert.deepEqual(why, ['the lease ran out', (grant.lost.reason as Error).message])
})

for (const first of ['timers', 'messages'] as const) {
  test(`after a stall longer than the lease nothing is left and lost is told, whether ${first} run first`, async () => {
    const house = await new House().open()
    const clock = new StallingClock(house.clock)
    const session = house.session('ops', { clock })
    const grant = await granted(house, session)
    const seen: number[] = []
    grant.lost.addEventListener('abort', () => seen.push(grant.leftMs()))
    const letGo = house.broker.hold('ops')
    clock.stall()
    await house.clock.advance(TTL_MS + 1)
    assert.equal(grant.leftMs(), 0, 'who looks first learns it')
    assert.deepEqual(seen, [0])
    if (first === 'timers') clock.wake()
    letGo()
    clock.wake()
    await house.clock.advance(1000)
    assert.equal(grant.leftMs(), 0)
  })
}

test('a grant that was pushed during a stall is not believed after it; the next truth decides', async () => {
  const house = await new House().open()
  const holder = house.session('holder')
  const held = await granted(house, holder)
  const clock = new StallingClock(house.clock)
  const session = house.session('ops', { clock })
  await house.clock.advance(1000)
  const waiting = follow(session.acquire({ locks: ['*:aim'], wait: true }))
  await house.clock.advance(1000)
  const letGo = house.broker.hold('ops')
  clock.stall()
  void held.release()
  await house.clock.advance(100)
  assert.equal((house.record('*:aim')?.owner as { name?: string } | null)?.name, 'ops')
  await house.clock.advance(TTL_MS + 10_000)
  letGo()
  assert.equal(waiting.value, undefined, 'the stale grant')
  clock.wake()
  await house.clock.advance(1000)
  // That request was granted and has ended: its asker learns that, and nobody holds the lock.
  assert.equal(waiting.error?.code, 'LK-1007')
  assert.equal(house.record('*:aim')?.state, 'free')
})

test('a grant that a newer truth does not know of is not believed', async () => {
  const house = await new House().open()
  const session = house.session('ops')
  await house.clock.advance(100)
  const late: string[] = []
  house.broker.loses = (to, { payload }) => {
    if (to === 'ops' && payload.includes('"op":"granted"')) late.push(payload)
    return to === 'ops' && /"op":"(granted|ended)"|"holding":\[\{/.test(payload)
  }
  const fate = follow(session.acquire({ locks: ['*:aim'], wait: true }))
  await house.clock.advance(100)
  clear(house, '*:aim')
  const refreshed = follow(session.refresh())
  await house.clock.advance(100)
  assert.ok(refreshed.value)
  house.broker.publish('late', { ...aside, topic: 'locksmith/1/default/rep/ops', payload: late[0] ?? '' })
  await house.clock.advance(1)
  assert.equal(late.length, 1)
  assert.equal(fate.value, undefined)
})

test('a session that Locksmith does not know says hello again, and waiters ask anew under the same request', async () => {
  const house = await new House().open()
  const holder = house.session('holder')
  await granted(house, holder)
  const session = house.session('ops')
  await house.clock.advance(100)
  const fate = follow(session.acquire({ locks: ['*:aim'], wait: true }))
  await house.clock.advance(TTL_MS / 2)
  const before = session.session
  const asked = (): unknown[] =>
    house.broker
      .sentOn('locksmith/1/default/req/ops')
      .flatMap(({ asks }) => (Array.isArray(asks) ? asks.map((ask: { request: string }) => ask.request) : []))
  const request = asked()[0]
  house.kill()
  house.disk.rows.delete(`session/${before}`)
  await house.open()
  await house.clock.advance(2 * TTL_MS)
  assert.notEqual(session.session, before)
  assert.ok(session.leaseLeftMs() > 0)
  assert.equal(asked().at(-1), request)
  void holder.close()
  await house.clock.advance(100)
  assert.equal(fate.value?.request, request)
})

test('two Locksmiths that refuse each other’s sessions cause no loop at the speed of a round trip', async () => {
  const house = await new House().open()
  const session = house.session('ops')
  await house.clock.advance(100)
  let refusals = 0
  const helloes = (): number =>
    house.broker.sentOn('locksmith/1/default/req/ops').filter(({ op }) => op === 'hello').length
  house.broker.loses = (to, message) => {
    if (to !== 'ops' || refusals > 5000 || !message.payload.includes('"op":"heartbeat"')) return false
    refusals += 1
    const refusal = { code: 'LK-2001', why: 'unknown-session', message: '', hint: '' }
    const envelope = { term: 1, rev: 1, fenceHigh: 0, quietMs: 0 }
    const refused = { op: 'refused', session: session.session, seq: 1, request: '', refusal, ...envelope }
    house.clock.after(1, () =>
      house.broker.publish('twin', {
        topic: message.topic,
        payload: JSON.stringify(refused),
        qos: 1,
        retain: false
      })
    )
    return true
  }
  const before = helloes()
  await house.clock.advance(10_000)
  assert.ok(helloes() - before <= 12, `${helloes() - before} hellos in 10 s`)
})

test('contact and calls end in bounded time: without a broker, and without Locksmith', async () => {
  const house = new House()
  const session = house.session('ops')
  const connection = house.connect('asker')
  await house.clock.advance(1)
  const unanswered = follow(session.contact(3000))
  const call = follow(connection.call({ op: 'query', id: 'q', what: 'locks' }, 'answer', 3000))
  await house.clock.advance(3000)
  assert.equal(unanswered.error?.code, 'LK-6002')
  assert.equal(call.error?.code, 'LK-6002')
  house.broker.stop()
  const offline = follow(session.refresh(3000))
  await house.clock.advance(3000)
  assert.equal(offline.error?.code, 'LK-6001')
})

test('a hello that is refused for good tells whoever waits for contact why', async () => {
  const house = await new House().open()
  house.session('arm-7', { kind: 'agent', device: 'plant-1/arm-7' })
  await house.clock.advance(100)
  const troubles: string[] = []
  const twin = house.session('arm-7', {
    kind: 'agent',
    device: 'plant-2/arm-7',
    connection: house.connect('arm-7'),
    onTrouble: (code) => troubles.push(code)
  })
  const fate = follow(twin.contact(30_000))
  await house.clock.advance(1000)
  assert.equal(fate.error?.code, 'LK-2005')
  assert.deepEqual(troubles, ['LK-2005'])
})

test('refresh resolves with the reply to a heartbeat sent after it was called, never with an earlier one', async () => {
  const house = await new House().open()
  const session = house.session('ops')
  await house.clock.advance(100)
  const letGo = house.broker.hold('ops')
  const early = follow(session.refresh(10_000))
  await house.clock.advance(100)
  const late = follow(session.refresh(10_000))
  const calledAt = house.clock.now()
  await house.clock.advance(100)
  letGo()
  await house.clock.advance(100)
  assert.ok(early.value && early.value.sentAt < calledAt)
  assert.ok(late.value && late.value.sentAt >= calledAt)
})

test('close says goodbye: what the session held is free at once', async () => {
  const house = await new House().open()
  const session = house.session('ops')
  const grant = await granted(house, session)
  const closed = follow(session.close())
  await house.clock.advance(10)
  assert.equal(house.record('*:aim')?.state, 'free')
  assert.equal(grant.lost.aborted, true)
  assert.equal(closed.error, undefined)
})

test('an agent that closes gives back what it holds and keeps its place in the fleet', async () => {
  const house = await new House().open()
  const session = house.session('arm-7', { kind: 'agent', device: 'plant-1/arm-7' })
  await granted(house, session, 'plant-1/arm-7:aim')
  void session.close()
  await house.clock.advance(10)
  assert.equal(house.record('plant-1/arm-7:aim')?.state, 'free')
  assert.ok(![...house.broker.sentOn('locksmith/1/default/req/arm-7')].some(({ op }) => op === 'goodbye'))
})

test('close ends in bounded time when nobody answers, refuses what waits, and leaves no timer behind', async () => {
  const house = await new House().open()
  await granted(house, house.session('holder'))
  const session = house.session('ops')
  await house.clock.advance(100)
  const waiting = follow(session.acquire({ locks: ['*:aim'], wait: true }))
  await house.clock.advance(100)
  house.broker.loses = () => true
  const closed = follow(session.close().then(() => 'closed'))
  await house.clock.advance(3000)
  assert.equal(closed.value, 'closed')
  assert.equal(waiting.error?.code, 'LK-1007')
  house.kill()
  house.broker.stop()
  await house.clock.advance(10 * TTL_MS)
  const sent = house.broker.posted.length
  await house.clock.advance(10 * TTL_MS)
  assert.equal(house.broker.posted.length, sent)
})

test('a reply whose lease has run out when it is read is no truth', async () => {
  const house = await new House().open()
  const truths: Truth[] = []
  const session = house.session('ops', { onTruth: (truth) => truths.push(truth) })
  await house.clock.advance(100)
  const letGo = house.broker.hold('ops')
  void follow(session.refresh(1000))
  await house.clock.advance(TTL_MS + 1000)
  truths.length = 0
  house.broker.loses = () => true
  letGo()
  assert.ok(
    truths.every(({ sentAt }) => sentAt + TTL_MS > house.clock.now()),
    'only of heartbeats sent since'
  )
})

test('a lease that ran out during a stall is lost, also when a renewing reply is the first thing read after it', async () => {
  const house = await new House().open()
  const clock = new StallingClock(house.clock)
  const session = house.session('ops', { clock })
  const grant = await granted(house, session)
  const letGo = house.broker.hold('ops')
  await house.clock.advance(TTL_MS - 5000)
  clock.stall()
  await house.clock.advance(6000)
  letGo()
  assert.equal(grant.lost.aborted, true)
  assert.equal(grant.leftMs(), 0)
})

test('a session that a forged heartbeat made unheard says hello anew, and is heard again', async () => {
  const house = await new House().open()
  const session = house.session('ops')
  await house.clock.advance(TTL_MS)
  const before = session.session
  const forged = {
    op: 'heartbeat',
    session: before,
    seq: Number.MAX_SAFE_INTEGER,
    heard: 0,
    asks: [],
    knownFence: 0,
    standing: []
  }
  house.broker.publish('forger', {
    topic: 'locksmith/1/default/req/ops',
    payload: JSON.stringify(forged),
    qos: 0,
    retain: false
  })
  await house.clock.advance(TTL_MS + TTL_MS / 3)
  assert.equal(session.leaseLeftMs(), 0)
  await house.clock.advance(2 * TTL_MS)
  assert.ok(session.leaseLeftMs() > 0)
  assert.notEqual(session.session, before)
})
