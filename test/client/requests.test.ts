import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clear, follow, granted } from '../support/fate.ts'
import { House, TTL_MS } from '../support/test-locksmith.ts'

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

for (const lost of [false, true])
  test(`an owner that is asked for its lock learns of it ${lost ? 'with its next heartbeat when the word was lost' : 'at once'}, once, and may go on until then`, async () => {
    const house = await new House().open()
    const news: string[] = []
    const session = house.session('node-7', { onNews: (told) => news.push(...told) })
    await house.clock.advance(100)
    const grant = await granted(house, session)
    house.broker.loses = (to, { payload }) => lost && to === 'node-7' && payload.includes('"op":"asked"')
    house.say('operator', {
      ...{ op: 'unlock', id: 'u', lock: '*:aim', fence: grant.fence('*:aim') },
      ...{ reason: 'needed elsewhere', graceMs: 30_000 }
    })
    await house.clock.advance(lost ? TTL_MS / 2 : 100)
    assert.equal(grant.asked.aborted, true)
    assert.match(
      String(grant.asked.reason.message),
      /operator asks for \*:aim within \d\d s, .*: needed elsewhere/
    )
    await house.clock.advance(10_000)
    assert.equal(news.length, 1)
    assert.match(news[0] ?? '', /^LK-1018 /)
    assert.ok(grant.leftMs() > 0)
    await house.clock.advance(20_000)
    assert.equal(grant.lost.aborted, true)
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

test('a heartbeat reply that a newer one has overtaken grants nobody, though it lists the lock and its own lease still runs', async () => {
  const house = await new House().open()
  const session = house.session('ops')
  await house.clock.advance(1000)
  const topic = 'locksmith/1/default/rep/ops'
  let late: string | undefined
  // Everything that tells of the grant or of its end is lost; the reply that lists it is late.
  house.broker.loses = (to, message) => {
    if (to !== 'ops' || message.topic !== topic) return false
    const { op, holding } = JSON.parse(message.payload) as { op: string; holding?: unknown[] }
    const lists = holding !== undefined && holding.length > 0
    if (lists) late ??= message.payload
    return lists || ['granted', 'ended', 'refused'].includes(op)
  }
  const asked = follow(session.acquire({ locks: ['*:aim'], wait: true }))
  await house.clock.advance(TTL_MS / 2)
  assert.ok(late, 'a reply lists the lock')
  clear(house, '*:aim')
  await house.clock.advance(TTL_MS / 3 + 1000)
  assert.equal(house.record('*:aim')?.state, 'orphaned')
  assert.ok(session.leaseLeftMs() > 0)
  house.broker.loses = () => false
  house.broker.publish('locksmith-default', { topic, payload: late, qos: 1, retain: false })
  await house.clock.advance(1)
  assert.equal(asked.value, undefined)
})
