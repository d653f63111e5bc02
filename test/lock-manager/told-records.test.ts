import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FleetSession } from '../../src/client/index.ts'
import { House, TTL_MS } from '../support/test-locksmith.ts'

async function enter(house: House, name: string): Promise<FleetSession> {
  const session = house.session(name)
  await house.clock.advance(100)
  return session
}

function waitersIn(house: House, lock: string): string[] {
  const record = house.record(lock) as { waiters: { name: string }[] }
  return record.waiters.map(({ name }) => name)
}

async function heldBy(house: House, name: string) {
  const session = await enter(house, name)
  const asked = session.acquire({ locks: ['*:aim'], wait: true })
  await house.clock.advance(100)
  return asked
}

test('a retained record names within one sweep who has begun to wait, and no longer who has left', async () => {
  const house = await new House().open()
  await heldBy(house, 'holder')
  const first = await enter(house, 'first')
  const end = new AbortController()
  first.acquire({ locks: ['plant-1:aim'], wait: true, signal: end.signal }).catch(() => undefined)
  await house.clock.advance(100)
  house.sweep()
  await house.clock.advance(1)
  assert.deepEqual(waitersIn(house, '*:aim'), ['first'])
  end.abort()
  await house.clock.advance(TTL_MS / 3)
  house.sweep()
  await house.clock.advance(1)
  assert.deepEqual(waitersIn(house, '*:aim'), [])
})

test('a waiter that a record named at a change of its lock, and that left before any sweep, is named no more, by a free lock neither', async () => {
  const house = await new House().open()
  const grant = await heldBy(house, 'holder')
  const [next, last] = [await enter(house, 'next'), await enter(house, 'last')]
  const end = new AbortController()
  void next.acquire({ locks: ['plant-1:aim'], wait: true })
  await house.clock.advance(10)
  last.acquire({ locks: ['plant-1/arm-1:aim'], wait: true, signal: end.signal }).catch(() => undefined)
  await house.clock.advance(10)
  void grant.release()
  await house.clock.advance(10)
  assert.deepEqual([waitersIn(house, '*:aim'), waitersIn(house, 'plant-1:aim')], [['last'], ['last']])
  end.abort()
  await house.clock.advance(TTL_MS / 3)
  house.sweep()
  await house.clock.advance(1)
  assert.deepEqual([waitersIn(house, '*:aim'), waitersIn(house, 'plant-1:aim')], [[], []])
})

test('a retained record tells within one sweep what its owner is doing now', async () => {
  const house = await new House().open()
  const grant = await heldBy(house, 'holder')
  for (const phase of ['applying 3/8', 'applying 4/8']) {
    grant.setPhase(phase)
    await house.clock.advance(TTL_MS / 3)
    house.sweep()
    await house.clock.advance(1)
    assert.equal(house.record('*:aim')?.phase, phase)
  }
})

test('a record that is right is not published again by a sweep, and waiting by itself publishes none', async () => {
  const house = await new House().open()
  await heldBy(house, 'holder')
  const topic = 'locksmith/1/default/lock/*/aim'
  const published = (): number => house.broker.sentOn(topic).length
  const before = published()
  void (await enter(house, 'waiter')).acquire({ locks: ['*:aim'], wait: true })
  await house.clock.advance(TTL_MS)
  assert.equal(published(), before)
  for (let sweep = 0; sweep < 5; sweep += 1) {
    house.sweep()
    await house.clock.advance(TTL_MS / 3)
  }
  assert.equal(published(), before + 1)
})
