import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePayload, record } from '../../src/protocol/messages.ts'
import { House, TTL_MS } from '../support/test-locksmith.ts'

type Json = Record<string, unknown>

async function ask<T>(
  house: House,
  what: 'locks' | 'status' | 'why' | 'devices',
  subject?: string
): Promise<T> {
  const connection = house.connect('asker')
  await house.clock.advance(1)
  const call = connection.call(
    { op: 'query', id: `q-${what}`, what, ...(subject === undefined ? {} : { subject }) },
    'answer'
  )
  await house.clock.advance(10)
  const answer = await call
  void connection.close()
  return answer.data as T
}

async function held(house: House, name: string, lock = '*:aim', reason = 'a trial') {
  const session = house.session(name)
  await house.clock.advance(100)
  const asked = session.acquire({ locks: [lock], wait: true, reason })
  await house.clock.advance(100)
  return { session, grant: await asked }
}

const agentState = {
  device: 'plant-1/arm-1',
  kind: 'arm',
  online: true,
  state: 'paused',
  holds: [
    {
      id: 'config:aim',
      kind: 'config',
      owner: 'arm-1',
      why: 'unverified',
      sinceMs: 5,
      untilMs: null,
      waived: false
    }
  ],
  configs: { aim: { version: 17, digest: 'd', fence: 4, verified: true } },
  controllers: [
    { name: 'axis', connected: true, motion: 'still', paused: true, position: 1, enforces: true }
  ],
  session: 1,
  boot: 'boot-1'
}

/** A fleet in which one waits for another above an arm. */
async function busyFleet(): Promise<House> {
  const house = await new House().open()
  house.session('arm-1', { kind: 'agent', device: 'plant-1/arm-1' })
  house.broker.publish('arm-1', {
    topic: 'locksmith/1/default/agent/arm-1',
    payload: JSON.stringify(agentState),
    qos: 1,
    retain: true
  })
  const { grant } = await held(house, 'node-7')
  grant.setPhase('applying 3/8')
  const waiter = house.session('waiter')
  await house.clock.advance(100)
  void waiter.acquire({ locks: ['plant-1:aim'], wait: true })
  await house.clock.advance(TTL_MS / 2)
  return house
}

test('HOT has exactly the fields that the field greps for, and its message begins with HOT', async () => {
  const house = await busyFleet()
  const [line] = house.events('HOT')
  assert.ok(line)
  const { level, message, ...fields } = line
  assert.equal(level, 'warn')
  assert.match(message, /^HOT \*:aim is wanted by waiter and held by node-7/)
  assert.deepEqual(Object.keys(fields), [
    'event',
    'lock',
    'wantedBy',
    'owner',
    'boot',
    'ageMs',
    'lastHeardMs',
    'leaseLeftMs',
    'freedBy'
  ])
  assert.deepEqual(
    [fields.lock, fields.wantedBy, fields.owner, fields.boot],
    ['*:aim', 'waiter', 'node-7', 'boot-1']
  )
  const { what, inMs } = fields.freedBy as Json
  assert.ok(typeof what === 'string' && typeof inMs === 'number')
})

test('locks: each lock with owner, age, who waits, what stands under it and what frees it', async () => {
  const house = await busyFleet()
  const locks = await ask<Json[]>(house, 'locks')
  assert.equal(locks.length, 1)
  const [lock] = locks
  assert.deepEqual(Object.keys(lock ?? {}).sort(), [
    'fence',
    'floor',
    'freedBy',
    'heldMs',
    'lastHeardMs',
    'leaseLeftMs',
    'lock',
    'owner',
    'paused',
    'phase',
    'reason',
    'state',
    'waiters'
  ])
  const { owner, phase, reason, state, waiters, paused, heldMs, leaseLeftMs, lastHeardMs } = lock ?? {}
  assert.deepEqual([state, phase, reason], ['held', 'applying 3/8', 'a trial'])
  assert.deepEqual(Object.keys(owner as Json), ['name', 'session', 'boot'])
  assert.deepEqual(
    (waiters as Json[]).map(({ name }) => name),
    ['waiter']
  )
  assert.deepEqual(paused, { devices: 1, standing: 0, unreachable: 0 })
  for (const ms of [heldMs, leaseLeftMs, lastHeardMs]) assert.ok(Number.isInteger(ms), String(ms))
})

test('locks: a free lock has no owner, and knows its floor', async () => {
  const house = await new House().open()
  const { grant } = await held(house, 'ops')
  void grant.release()
  await house.clock.advance(100)
  const [lock] = await ask<Json[]>(house, 'locks')
  assert.deepEqual([lock?.state, lock?.owner, lock?.freedBy, lock?.phase], ['free', null, null, null])
  assert.equal(lock?.floor, grant.fence('*:aim') + 1)
})

test('status: Locksmith itself, and every device with its holds, configurations and controllers', async () => {
  const house = await busyFleet()
  const { locksmith, devices } = await ask<{ locksmith: Json; devices: Json[] }>(house, 'status')
  assert.deepEqual(Object.keys(locksmith), [
    'up',
    'version',
    'instance',
    'term',
    'startedMs',
    'watchdog',
    'collector',
    'store'
  ])
  assert.equal(locksmith.up, true)
  const [arm] = devices
  for (const field of ['device', 'kind', 'online', 'state', 'holds', 'configs', 'controllers'])
    assert.ok(field in (arm ?? {}), field)
  assert.deepEqual([arm?.device, arm?.online, arm?.state], ['plant-1/arm-1', true, 'paused'])
  const [{ sinceMs, ...hold } = { sinceMs: 0 }] = (arm?.holds ?? []) as (typeof agentState)['holds']
  const { sinceMs: toldMs, ...told } = agentState.holds[0] ?? { sinceMs: 0 }
  assert.deepEqual(hold, told)
  assert.ok(sinceMs >= toldMs + TTL_MS / 2, `the age of a hold grows after it was told: ${sinceMs}`)
})

test('status: a device that says it is online and is silent is not', async () => {
  const house = await busyFleet()
  house.broker.kill('arm-1')
  await house.clock.advance(TTL_MS)
  const { devices } = await ask<{ devices: Json[] }>(house, 'status')
  assert.equal(devices[0]?.online, false)
})

test('why DEVICE: the whole chain, from the lock and its owner to the device’s own holds, and the way out', async () => {
  const house = await busyFleet()
  for (const subject of ['plant-1/arm-1', 'arm-1']) {
    const why = await ask<Json>(house, 'why', subject)
    assert.equal(why.subject, 'plant-1/arm-1')
    assert.equal(why.moving, false)
    const chain = why.chain as Json[]
    assert.deepEqual(
      chain.map(({ hold, owner }) => [hold, owner]),
      [
        ['lock', 'node-7'],
        ['config', 'arm-1']
      ]
    )
    for (const link of chain)
      for (const field of ['hold', 'lock', 'owner', 'sinceMs', 'lastHeardMs', 'freedBy'])
        assert.ok(field in link, field)
    assert.match(String(why.bypass), /^locksmith unlock '\*:aim' --reason/)
  }
})

test('why LOCK: the verdict is ghost once its owner has lost it, and merely busy before', async () => {
  const house = await busyFleet()
  const before = await ask<Json>(house, 'why', 'plant-1:aim')
  assert.match(String((before.chain as Json[])[0]?.why), /node-7 holds it .*applying 3\/8/)
  house.broker.kill('node-7')
  await house.clock.advance(TTL_MS)
  const after = await ask<Json>(house, 'why', 'plant-1:aim')
  assert.match(String((after.chain as Json[])[0]?.why), /node-7 is a ghost/)
})

test('why: a path that merely ends with a known name is not that device, and nobody is null', async () => {
  const house = await busyFleet()
  assert.equal(await ask(house, 'why', 'plant-9/arm-1'), null)
  assert.equal(await ask(house, 'why', 'nobody'), null)
  assert.deepEqual(
    (await ask<Json>(house, 'why', 'plant-9:aim')).bypass,
    'locksmith unlock \'*:aim\' --reason "…"'
  )
})

test('a retained record has the shape of the protocol in every state of a lock', async () => {
  const house = await new House().open()
  const check = (state: string): void => {
    const payload = Buffer.from(JSON.stringify(house.record('*:aim')))
    const parsed = parsePayload(record, payload)
    assert.ok(parsed.ok, parsed.ok ? '' : parsed.problem)
    assert.equal(parsed.value.state, state)
    assert.deepEqual(Object.keys(house.record('*:aim') ?? {}), [
      'lock',
      'state',
      'fence',
      'floor',
      'owner',
      'phase',
      'reason',
      'term',
      'rev',
      'heldMs',
      'leaseLeftMs',
      'maxHoldLeftMs',
      'waiters',
      'freedBy'
    ])
  }
  await held(house, 'ghost')
  check('held')
  house.broker.kill('ghost')
  await house.clock.advance(TTL_MS)
  check('orphaned')
  await house.clock.advance(10_000)
  check('free')
})

test('what is answered is what is durable: a question in the same batch as a grant that the store refused sees none', async () => {
  const house = await new House().open()
  const session = house.session('ops')
  await house.clock.advance(100)
  house.disk.refuses = 'full'
  void session.acquire({ locks: ['*:aim'], wait: true })
  house.say('asker', { op: 'query', id: 'q', what: 'locks' })
  await house.clock.advance(10)
  assert.deepEqual(house.heard('asker').at(-1)?.data, [])
})

test('a record names the first twenty who wait, and locks names all', async () => {
  const house = await new House().open()
  await held(house, 'holder')
  for (let index = 0; index < 25; index += 1) {
    const session = house.session(`w${index}`)
    await house.clock.advance(1000)
    void session.acquire({ locks: [`line-${index}:aim`], wait: true })
    await house.clock.advance(10)
  }
  const observer = house.session('arm-1', { kind: 'agent', device: 'plant-1/arm-1' })
  await house.clock.advance(1000)
  const refreshed = observer.refresh()
  await house.clock.advance(10)
  const told = (await refreshed).reply.covering[0]?.waiters.map(({ name }) => name)
  assert.deepEqual(
    told,
    Array.from({ length: 20 }, (_, index) => `w${index}`)
  )
  const [lock] = await ask<{ waiters: Json[] }[]>(house, 'locks')
  assert.equal(lock?.waiters.length, 25)
})

test('status of a thousand devices is an answer that can be heard', async () => {
  const house = await new House().open()
  for (let index = 0; index < 1000; index += 1) {
    const state = { ...agentState, device: `plant-1/line-${index % 40}/arm-${index}` }
    house.broker.publish('arm', {
      ...{
        topic: `locksmith/1/default/agent/arm-${index}`,
        payload: JSON.stringify(state),
        qos: 1,
        retain: true
      }
    })
  }
  const { devices } = await ask<{ devices: Json[] }>(house, 'status')
  assert.equal(devices.length, 1000)
})
