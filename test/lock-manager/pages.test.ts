import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { makeId, openFleetConnection, queryAll } from '../../src/client/index.ts'
import { emptyDisk, openMemoryStore, startLocksmith } from '../../src/lock-manager/index.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { createEmbeddedBroker } from '../../src/platform/embedded-broker.ts'
import { silentLog } from '../../src/platform/logger.ts'
import { connectBroker } from '../../src/platform/mqtt-connection.ts'
import { MAX_PAGE_BYTES, MAX_REPLY_BYTES } from '../../src/protocol/messages.ts'
import { topicsOf } from '../../src/protocol/topics.ts'
import { DEFAULT_POLICY } from '../../src/rules/policy.ts'
import { House } from '../support/test-locksmith.ts'
import { waitFor, within } from '../support/wait.ts'

type Json = Record<string, unknown>

const MANY = 2000
const topics = topicsOf('default')
const pathOf = (index: number): string => `plant-1/line-${String(index % 40).padStart(2, '0')}/arm-${index}`
const paths = Array.from({ length: MANY }, (_, index) => pathOf(index)).sort()

function stateOf(index: number): string {
  const hold = {
    ...{ id: 'config:aim', kind: 'config', owner: `arm-${index}`, sinceMs: 5, untilMs: null, waived: false },
    why: 'aim version 17 is unverified: controller axis does not hold what was committed'
  }
  const config = { version: 17, digest: 'd'.repeat(64), fence: 4, verified: true }
  const axis = { name: 'axis', connected: true, motion: 'still', paused: true, position: 1, enforces: true }
  return JSON.stringify({
    ...{ device: pathOf(index), kind: 'arm', online: true, state: 'paused', session: 1, boot: 'boot-1' },
    ...{ holds: [hold], configs: { aim: config, safety: config }, controllers: [axis] }
  })
}

function housePublishes(house: House, count: number): void {
  for (let index = 0; index < count; index += 1)
    house.broker.publish('arm', {
      ...{ topic: topics.agent(`arm-${index}`), payload: stateOf(index), qos: 1, retain: true }
    })
}

/** A Locksmith with its store in memory behind an embedded broker, and one who asks. */
async function overSockets(t: TestContext) {
  const broker = await createEmbeddedBroker({ port: 0 })
  t.after(() => broker.close())
  const clock = systemClock()
  let limit = 0
  const locksmith = startLocksmith({
    connect: connectBroker(broker.url),
    clock,
    store: openMemoryStore(emptyDisk()),
    fenceFile: {
      read: () => limit,
      write: (next) => {
        limit = next
      }
    },
    ...{ boot: 'boot-1', instance: 'one', version: '0.0.0', fleet: 'default', ttlMs: 15_000 },
    policy: () => DEFAULT_POLICY,
    log: silentLog,
    defer: (run) => void setImmediate(run),
    everySweep: () => ({ stop: () => undefined })
  })
  t.after(() => locksmith.stop())
  await within('Locksmith to serve', locksmith.ready)
  const connect = (principal: string) => {
    const connection = openFleetConnection({
      ...{ connect: connectBroker(broker.url), clock, fleet: 'default', principal },
      clientId: `${principal}-${makeId(Math.random)}`
    })
    t.after(() => connection.close())
    return connection
  }
  return { connect }
}

test('over real sockets: status of 2,000 devices comes whole, in pages, each device once', async (t) => {
  const { connect } = await overSockets(t)
  const [arms, desk] = [connect('arms'), connect('desk')]
  await waitFor('the connections', () => arms.connected && desk.connected)
  for (let index = 0; index < MANY; index += 1) {
    const sent = () =>
      arms.publish(topics.agent(`arm-${index}`), JSON.parse(stateOf(index)), { qos: 1, retain: true })
    // A connection takes no more than so much at a time.
    if (!sent()) await waitFor('room on the connection', sent)
  }
  const ask = () => queryAll(desk, { what: 'status', random: Math.random }) as Promise<{ devices: Json[] }>
  const { devices, ...rest } = await waitFor('all states', async () => {
    const status = await ask()
    return status.devices.length === MANY && status
  })
  assert.deepEqual(
    devices.map(({ device }) => device),
    paths
  )
  assert.deepEqual(Object.keys(rest).sort(), ['locksmith', 'pushes'])
  assert.ok(JSON.stringify(devices).length > MAX_REPLY_BYTES, 'one message could have carried it')
})

test('no page is larger than it has to be, and each says where the next one begins', async () => {
  const house = await new House().open()
  housePublishes(house, MANY)
  const seen: unknown[] = []
  let pages = 0
  for (let after: string | null = ''; after !== null; pages += 1) {
    house.say('asker', { op: 'query', id: `q-${pages}`, what: 'devices', after })
    await house.clock.advance(10)
    const reply = house.heard('asker').at(-1) as {
      data: Json[]
      next: string | null
      term: number
      rev: number
    }
    assert.ok(JSON.stringify(reply).length < MAX_PAGE_BYTES + 2000)
    assert.ok(reply.term > 0 && reply.rev >= 0)
    seen.push(...reply.data.map(({ device }) => device))
    after = reply.next
  }
  assert.deepEqual(seen, paths)
  assert.ok(pages > 5)
})

test('2,000 locks are listed in pages too', async () => {
  const house = await new House().open()
  for (let from = 0; from < MANY; from += 16) {
    const session = house.session(`tool-${from}`)
    await house.clock.advance(50)
    const locks = Array.from({ length: 16 }, (_, index) => `${pathOf(from + index)}:aim`)
    void session.acquire({ locks, wait: true, reason: 'a long reason, as people give them'.repeat(10) })
    await house.clock.advance(10)
  }
  const desk = house.connect('desk')
  await house.clock.advance(1)
  const answer = queryAll(desk, { what: 'locks', random: Math.random })
  await house.clock.advance(100)
  const locks = (await answer) as Json[]
  assert.deepEqual(
    locks.map(({ lock }) => lock),
    paths.map((path) => `${path}:aim`).sort()
  )
})

test('a client that knows nothing of pages is refused with words when one message cannot carry the answer', async () => {
  const house = await new House().open()
  housePublishes(house, MANY)
  house.say('old', { op: 'query', id: 'q', what: 'status' })
  await house.clock.advance(10)
  const { op, refusal } = house.heard('old').at(-1) as { op: string; refusal: Json }
  assert.deepEqual([op, refusal.code], ['failed', 'LK-2007'])
  assert.match(String(refusal.message), /the answer has \d+ bytes; one message carries at most 1048576/)
})

test('the outcomes of a push to 2,000 devices can be heard, however many words each device makes', async () => {
  const house = await new House().open()
  const devices = paths.map((device) => ({
    ...{ device, state: 'refused', code: 'LK-4001', detail: 'words '.repeat(80), version: null }
  }))
  house.kill()
  house.disk.rows.set('push/big', {
    kind: 'push',
    key: 'big',
    value: {
      ...{ id: 'big', resource: 'aim', version: 17, document: 'text', digest: 'd'.repeat(64), scope: '*' },
      ...{ by: 'desk', session: 1, under: null, atOnce: 1, devices, state: 'done', why: '', endedAt: 0 }
    }
  })
  await house.open()
  house.say('desk', { op: 'withdraw', id: 'w', push: 'big', reason: 'to see it' })
  await house.clock.advance(10)
  const reply = house.heard('desk').at(-1) as { op: string; devices: Json[] }
  assert.deepEqual([reply.op, reply.devices.length], ['withdrawn', MANY])
  assert.ok(JSON.stringify(reply).length < MAX_REPLY_BYTES)
})

test('a Locksmith that was started anew between two pages is asked from the beginning', async () => {
  const house = await new House().open()
  housePublishes(house, 500)
  const desk = house.connect('desk')
  await house.clock.advance(1)
  const asked: string[] = []
  let cut = true
  house.broker.loses = (to, { from, payload }) => {
    if (to !== '' || from !== 'desk') return false
    const { after } = JSON.parse(payload) as { after: string }
    asked.push(after)
    return cut && after !== ''
  }
  const answer = queryAll(desk, { what: 'devices', random: Math.random })
  await house.clock.advance(100)
  house.kill()
  house.start()
  cut = false
  await house.clock.advance(2000)
  assert.equal(((await answer) as Json[]).length, 500)
  assert.equal(asked.filter((after) => after === '').length, 2)
})
