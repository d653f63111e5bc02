import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FleetSession, Grant, Truth } from '../../src/client/index.ts'
import { StallingClock } from '../support/stalling-clock.ts'
import { House, TTL_MS } from '../support/test-locksmith.ts'

/** What became of a promise by now. */
interface Fate<T> {
  value: T | undefined
  error: (Error & { code?: string }) | undefined
}

function follow<T>(promise: Promise<T>): Fate<T> {
  const fate: Fate<T> = { value: undefined, error: undefined }
  promise.then(
    (value) => {
      fate.value = value
    },
    (error: Error) => {
      fate.error = error
    }
  )
  return fate
}

const aside = { qos: 1, retain: false } as const

/** An operator clears what he sees. */
function clear(house: House, lock: string): void {
  const fence = house.record(lock)?.fence
  house.say('operator', { op: 'unlock', id: `clear-${lock}`, lock, fence, reason: 'a trial', graceMs: 0 })
}

async function granted(house: House, session: FleetSession, lock = '*:aim'): Promise<Grant> {
  const fate = follow(session.acquire({ locks: [lock], wait: true }))
  await house.clock.advance(1000)
  assert.ok(fate.value, `${lock} is granted`)
  return fate.value
}

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
  assert.equal(session.leaseLeftMs(), sentAt + TTL_MS - house.clock.now())
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

test('who gives up a wait is refused, and what was granted meanwhile is given back', async () => {
  const house = await new House().open()
  const session = house.session('ops')
  await house.clock.advance(100)
  const stop = new AbortController()
  // The grant is lost on its way, so the asker still waits when it gives up.
  house.broker.loses = (to, { payload }) => to === 'ops' && /granted|"op":"heartbeat"/.test(payload)
  const fate = follow(session.acquire({ locks: ['*:aim'], wait: true, signal: stop.signal }))
  await house.clock.advance(100)
  assert.equal(house.record('*:aim')?.state, 'held')
  stop.abort()
  await house.clock.advance(100)
  assert.equal(fate.error?.code, 'LK-1007')
  assert.equal(house.record('*:aim')?.state, 'free')
})

test('an ask whose signal has aborted already is refused at once and asks nobody', async () => {
  const house = await new House().open()
  const session = house.session('ops')
  await house.clock.advance(100)
  const fate = follow(session.acquire({ locks: ['*:aim'], wait: true, signal: AbortSignal.abort() }))
  await house.clock.advance(1000)
  assert.equal(fate.error?.code, 'LK-1007')
  assert.equal(house.record('*:aim'), undefined)
})

test('without waiting, a taken lock is refused with who has it', async () => {
  const house = await new House().open()
  await granted(house, house.session('node-7'))
  const session = house.session('ops')
  await house.clock.advance(100)
  const fate = follow(session.acquire({ locks: ['*:aim'], wait: false }))
  await house.clock.advance(1000)
  assert.equal(fate.error?.code, 'LK-1001')
  assert.match(fate.error?.message ?? '', /node-7/)
})

test('without waiting, an ask that nobody answers ends', async () => {
  const house = new House()
  const fate = follow(house.session('ops').acquire({ locks: ['*:aim'], wait: false }))
  await house.clock.advance(10_000)
  assert.equal(fate.error?.code, 'LK-6002')
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

test('a request is repeated until it is answered, though most messages are lost', async () => {
  const house = await new House().open()
  const session = house.session('ops')
  let turn = 0
  house.broker.loses = () => turn++ % 3 !== 0
  const fate = follow(session.acquire({ locks: ['*:aim'], wait: true }))
  await house.clock.advance(60_000)
  house.broker.loses = () => false
  await house.clock.advance(TTL_MS)
  assert.ok(fate.value !== undefined || fate.error !== undefined)
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

test('a closed session refuses to ask for anything', async () => {
  const house = await new House().open()
  const session = house.session('ops')
  await house.clock.advance(100)
  void session.close()
  await house.clock.advance(1000)
  const fate = follow(session.acquire({ locks: ['*:aim'], wait: true }))
  await house.clock.advance(1)
  assert.equal(fate.error?.code, 'LK-1007')
})

test('a signal that outlives many asks is left as it was found', async () => {
  const house = await new House().open()
  const session = house.session('ops')
  await house.clock.advance(100)
  const { signal } = new AbortController()
  let listeners = 0
  const count = (step: number) => (method: typeof signal.addEventListener) =>
    ((...args: Parameters<typeof signal.addEventListener>) => {
      listeners += step
      method.apply(signal, args)
    }) as typeof signal.addEventListener
  signal.addEventListener = count(1)(signal.addEventListener)
  signal.removeEventListener = count(-1)(signal.removeEventListener)
  for (let asks = 0; asks < 5; asks += 1) {
    const fate = follow(session.acquire({ locks: ['*:aim'], wait: true, signal }))
    await house.clock.advance(100)
    void fate.value?.release()
    await house.clock.advance(100)
  }
  assert.equal(listeners, 0)
})

test('a lost grant is named until it is released, and is never granted again to nobody', async () => {
  const house = await new House().open()
  const session = house.session('ops')
  const grant = await granted(house, session)
  clear(house, '*:aim')
  await house.clock.advance(100)
  assert.equal(grant.lost.aborted, true)
  for (let minutes = 0; minutes < 20; minutes += 1) {
    await house.clock.advance(60_000)
    house.sweep()
    assert.equal(house.record('*:aim')?.state, 'free')
  }
  const next = follow(house.session('next').acquire({ locks: ['*:aim'], wait: true }))
  await house.clock.advance(1000)
  assert.ok(next.value)
})

test('a grant of which a part has ended before it was heard is no grant', async () => {
  const house = await new House().open()
  const session = house.session('ops')
  await house.clock.advance(100)
  house.broker.loses = (to, { payload }) => to === 'ops' && /granted|ended|"op":"heartbeat"/.test(payload)
  const fate = follow(session.acquire({ locks: ['*:aim', '*:safety'], wait: true }))
  await house.clock.advance(100)
  clear(house, '*:aim')
  await house.clock.advance(100)
  house.broker.loses = () => false
  await house.clock.advance(TTL_MS / 3)
  assert.equal(fate.value, undefined)
  assert.equal(fate.error?.code, 'LK-1007')
  await house.clock.advance(1000)
  assert.equal(house.record('*:safety')?.state, 'free')
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

test('an ask that was lost on its way is repeated at once, not with the next heartbeat', async () => {
  const house = await new House().open()
  const session = house.session('ops')
  await house.clock.advance(1000)
  let lost = 0
  house.broker.loses = (to, { payload }) => to === '' && payload.includes('"acquire"') && lost++ === 0
  const fate = follow(session.acquire({ locks: ['*:aim'], wait: true }))
  await house.clock.advance(1000)
  assert.equal(lost, 2)
  assert.ok(fate.value)
})

test('a request that was lost on its way is repeated until it is answered, and a refusal is an answer', async () => {
  const house = await new House().open()
  const session = house.session('ops')
  await house.clock.advance(100)
  let lost = 0
  house.broker.loses = (to, { payload }) => to === '' && payload.includes('"push"') && lost++ === 0
  const push = { resource: 'aim', version: 1, document: '', digest: 'd'.repeat(64), scope: 'desert' }
  const fate = follow(
    session.request(
      (number, seq) => ({ op: 'push', id: 'p', session: number, seq, ...push, under: null, atOnce: 1 }),
      'push'
    )
  )
  await house.clock.advance(1000)
  assert.equal(fate.error?.code, 'LK-3003')
})

test('an ask that Locksmith could not read is refused before it is sent, and spoils nothing', async () => {
  const house = await new House().open()
  const session = house.session('ops')
  const grant = await granted(house, session)
  for (const locks of [
    ['AIM'],
    ['*:aim', ''],
    [],
    Array.from({ length: 17 }, (_, index) => `line-${index}:aim`)
  ]) {
    const fate = follow(session.acquire({ locks, wait: true }))
    await house.clock.advance(1)
    assert.equal(fate.error?.code, 'LK-1002', String(locks))
  }
  await house.clock.advance(2 * TTL_MS)
  assert.equal(grant.lost.aborted, false)
})

test('words that are too long are cut short, and heartbeats go on', async () => {
  const house = await new House().open()
  const session = house.session('ops')
  await house.clock.advance(100)
  const long = 'x'.repeat(10_000)
  const fate = follow(session.acquire({ locks: ['*:aim'], wait: true, reason: long, phase: long }))
  await house.clock.advance(1000)
  fate.value?.setPhase(long)
  await house.clock.advance(2 * TTL_MS)
  assert.equal(fate.value?.lost.aborted, false)
  assert.equal(house.events('bad-request').length, 0)
})

test('more requests than a heartbeat can name are refused, and the others live on', async () => {
  const house = await new House().open()
  await granted(house, house.session('holder'))
  const session = house.session('ops')
  await house.clock.advance(100)
  const fates = Array.from({ length: 20 }, () => follow(session.acquire({ locks: ['*:aim'], wait: true })))
  await house.clock.advance(2 * TTL_MS)
  assert.deepEqual(
    fates.map(({ error }) => error?.code).filter((code) => code !== undefined),
    Array(4).fill('LK-1004')
  )
  assert.ok(session.leaseLeftMs() > 0)
  assert.equal(house.events('bad-request').length, 0)
})
