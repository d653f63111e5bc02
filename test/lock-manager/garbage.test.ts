import assert from 'node:assert/strict'
import { test } from 'node:test'
import { House } from '../support/test-locksmith.ts'

const MANY = 1000

test('a flood of requests that make no sense is a handful of lines, with how many were left out; each is still answered', async () => {
  const house = await new House().open()
  for (let at = 0; at < MANY; at += 1) {
    house.say('rogue', { op: 'nonsense', id: `r-${at}` })
    await house.clock.advance(10)
  }
  house.say('other', 'not JSON at all')
  await house.clock.advance(70_000)
  const lines = house.events('bad-request')
  assert.ok(lines.length < 10, `${lines.length} lines`)
  const counted = lines.reduce(
    (sum, { from, leftOut = 1 }) => sum + (from === 'rogue' ? Number(leftOut) : 0),
    0
  )
  assert.equal(counted, MANY)
  assert.ok(lines.some(({ from }) => from === 'other'))
  assert.equal(house.heard('rogue').filter(({ op }) => op === 'failed').length, MANY)
})

test('states that make no sense are told of, by device, and as few', async () => {
  const house = await new House().open()
  for (let at = 0; at < MANY; at += 1) {
    house.broker.publish('rogue', {
      ...{ topic: 'locksmith/1/default/agent/arm-1', payload: `{"device":${at}}`, qos: 0, retain: false }
    })
  }
  await house.locksmith?.stop()
  const lines = house.events('bad-state')
  assert.ok(lines.length < 10)
  assert.equal(lines[0]?.device, 'arm-1')
  assert.equal(lines.at(-1)?.leftOut, MANY - lines.length + 1)
})

test('no HOT line is left out, however often somebody asks', async () => {
  const house = await new House().open()
  const holder = house.session('holder')
  const asker = house.session('asker')
  await house.clock.advance(100)
  void holder.acquire({ locks: ['*:aim'], wait: true })
  await house.clock.advance(100)
  for (let at = 0; at < 50; at += 1) {
    asker.acquire({ locks: ['*:aim'], wait: false }).catch(() => undefined)
    await house.clock.advance(50)
  }
  assert.equal(house.events('HOT').length, 50)
})
