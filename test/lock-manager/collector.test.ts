import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StallingClock } from '../support/stalling-clock.ts'
import { House, TTL_MS } from '../support/test-locksmith.ts'

const HOUR_MS = 3_600_000

const rowsOf = (house: House, kind: string): unknown[] =>
  [...house.disk.rows.values()].filter((row) => row.kind === kind).map((row) => row.value)

async function cycle(house: House, name: string): Promise<void> {
  const clock = new StallingClock(house.clock)
  const session = house.session(name, { clock })
  await house.clock.advance(100)
  const asked = session.acquire({ locks: ['*:aim'], wait: true })
  await house.clock.advance(100)
  void (await asked).release()
  await house.clock.advance(100)
  house.broker.kill(name)
  clock.stall()
}

async function hours(house: House, count: number): Promise<void> {
  for (let passed = 0; passed < count * 60; passed += 10) {
    await house.clock.advance(10 * 60_000)
    house.sweep()
  }
}

test('sessions, grants and operations that nobody needs any more are swept; locks stay, for their floors', async () => {
  const house = await new House().open()
  for (const name of ['a', 'b', 'c']) await cycle(house, name)
  house.say('operator', { op: 'unlock', id: 'x', lock: '*:aim', fence: 1, reason: 'r', graceMs: 0 })
  await house.clock.advance(100)
  assert.deepEqual([rowsOf(house, 'session').length, rowsOf(house, 'grant').length], [3, 3])
  await hours(house, 1)
  assert.deepEqual([rowsOf(house, 'session').length, rowsOf(house, 'grant').length], [0, 0])
  assert.equal(rowsOf(house, 'operation').length, 1)
  await hours(house, 25)
  assert.equal(rowsOf(house, 'operation').length, 0)
  assert.equal(rowsOf(house, 'lock').length, 1)
  assert.ok(house.events('collected').length > 0)
})

test('what is in use is not swept: living sessions, their grants, agents in service', async () => {
  const house = await new House().open()
  house.session('arm-1', { kind: 'agent', device: 'plant-1/arm-1' })
  const session = house.session('owner')
  await house.clock.advance(100)
  house.policies = [{ lock: '*', maxHoldMs: 24 * HOUR_MS }]
  const asked = session.acquire({ locks: ['*:aim'], wait: true })
  await house.clock.advance(100)
  const grant = await asked
  house.broker.kill('arm-1')
  await hours(house, 2)
  assert.equal(grant.lost.aborted, false)
  assert.deepEqual([rowsOf(house, 'session').length, rowsOf(house, 'grant').length], [2, 1])
})

test('the owner of a lock that waits for an operator is remembered as long as the lock does', async () => {
  const house = new House()
  house.policies = [{ lock: '*', onOrphan: 'wait-for-operator' }]
  await house.open()
  const session = house.session('ghost')
  await house.clock.advance(100)
  void session.acquire({ locks: ['*:aim'], wait: true })
  await house.clock.advance(100)
  house.broker.kill('ghost')
  await hours(house, 2)
  assert.equal((house.record('*:aim')?.owner as { name?: string } | null)?.name, 'ghost')
  assert.equal(rowsOf(house, 'session').length, 1)
})

test('a replaced agent that wakes soon learns who replaced it, and does not take the name back at once', async () => {
  const house = await new House().open()
  const first = house.session('arm-1', { kind: 'agent', device: 'plant-1/arm-1' })
  await house.clock.advance(100)
  const old = first.session
  const troubles: string[] = []
  const second = house.session('arm-1', {
    kind: 'agent',
    device: 'plant-1/arm-1',
    connection: house.connect('arm-1'),
    onTrouble: (code) => troubles.push(code)
  })
  await house.clock.advance(100)
  house.sweep()
  await house.clock.advance(100)
  house.say('arm-1', {
    op: 'heartbeat',
    session: old,
    seq: 999,
    heard: 1,
    asks: [],
    knownFence: 0,
    standing: []
  })
  await house.clock.advance(10)
  const refused = house.heard('arm-1').findLast(({ op, session }) => op === 'refused' && session === old)
  assert.equal((refused?.refusal as { why?: string } | undefined)?.why, 'session-replaced')
  assert.deepEqual(troubles, [])
  assert.ok(second.leaseLeftMs() > 0)
})

test('the retained record of a lock that nobody knows is removed, and those of known locks are not', async () => {
  const house = await new House().open()
  await cycle(house, 'a')
  const stray = { ...house.record('*:aim'), lock: 'plant-9:aim', fence: 0, floor: 0 }
  house.broker.stop()
  house.broker.retained.set('locksmith/1/default/lock/plant-9/aim', JSON.stringify(stray))
  house.broker.start()
  await house.clock.advance(1000)
  house.sweep()
  assert.equal(house.record('plant-9:aim'), undefined)
  assert.equal(house.record('*:aim')?.state, 'free')
})

test('a sweep frees no lock and does not disturb one', async () => {
  const house = await new House().open()
  const session = house.session('ghost')
  await house.clock.advance(100)
  void session.acquire({ locks: ['*:aim'], wait: true })
  await house.clock.advance(100)
  house.broker.kill('ghost')
  for (let sweeps = 0; sweeps < 10; sweeps += 1) {
    house.sweep()
    await house.clock.advance(1000)
  }
  assert.equal(house.record('*:aim')?.state, 'held')
  await house.clock.advance(TTL_MS - 10_000)
  assert.equal(house.record('*:aim')?.state, 'orphaned')
})

test('the audit keeps a hundred thousand links and forgets older ones', async () => {
  const house = new House()
  house.disk.audit = Array.from({ length: 120_000 }, (_, index) => ({
    seq: index + 1,
    entry: '{}',
    hash: 'h'
  }))
  await house.open()
  house.sweep()
  assert.equal(house.disk.audit.length, 100_001)
})

test('a stricter policy acts at the next sweep at the latest', async () => {
  const house = await new House().open()
  const session = house.session('owner')
  await house.clock.advance(100)
  void session.acquire({ locks: ['*:aim'], wait: true })
  await house.clock.advance(60_000)
  house.policies = [{ lock: '*', maxHoldMs: 1000 }]
  house.sweep()
  await house.clock.advance(1)
  assert.equal(house.record('*:aim')?.state, 'orphaned')
})
