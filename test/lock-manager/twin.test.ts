import assert from 'node:assert/strict'
import { test } from 'node:test'
import { copyDisk, emptyDisk } from '../../src/lock-manager/index.ts'
import { House, MemoryFenceFile, TTL_MS } from '../support/test-locksmith.ts'

const STATUS = 'locksmith/1/default/status'
type Status = {
  instance: string
  life: string
  term: number
  up: boolean
  fenceLimit: number
  fenceHigh: number
}

const statusOf = (house: House): Status => JSON.parse(house.broker.retained.get(STATUS) ?? '{}') as Status

/** What the other says of itself, by hand. */
function say(house: House, status: Partial<Status>): void {
  const common = { version: '0', up: true, fenceLimit: 1, fenceHigh: 0, quietMs: 0 }
  const payload = JSON.stringify({ ...common, ...status })
  house.broker.publish('other', { topic: STATUS, payload, qos: 1, retain: true })
}

test('status names the store by the first life that wrote it, and the present life beside it', async () => {
  const house = await new House().open()
  const first = statusOf(house)
  assert.deepEqual([first.instance, first.life], ['house-1', 'house-1'])
  house.kill()
  await house.open()
  const second = statusOf(house)
  assert.deepEqual([second.instance, second.life], ['house-1', 'house-2'])
  assert.ok(second.term > first.term)
})

test('a restart of the same Locksmith is no twin, however often, and late words of its earlier lives do not end it', async () => {
  const house = await new House().open()
  const old = statusOf(house)
  for (let lives = 0; lives < 3; lives += 1) {
    house.kill()
    await house.open()
  }
  say(house, old)
  await house.clock.advance(TTL_MS)
  assert.equal(house.events('taken-over').length, 0)
  assert.equal(house.events('fences-raised').length, 0)
  assert.ok((await granted(house)) > 0)
})

async function granted(house: House): Promise<number> {
  const session = house.session('asker')
  await house.clock.advance(100)
  let fence = 0
  void session.acquire({ locks: ['*:aim'], wait: true }).then((grant) => {
    fence = grant.fence('*:aim')
  })
  await house.clock.advance(1000)
  return fence
}

test('a newer Locksmith of another store ends this one, with words, without a word over it, and nothing is granted any more', async () => {
  const house = new House()
  const locksmith = house.start()
  await house.clock.advance(TTL_MS / 3 + 1)
  const { term } = statusOf(house)
  let why = ''
  void locksmith.takenOver.then((said) => {
    why = said
  })
  say(house, { instance: 'other', life: 'other', term: term + 1 })
  await house.clock.advance(100)
  assert.match(why, new RegExp(`Locksmith other serves this fleet under term ${term + 1}`))
  assert.equal(house.events('taken-over').length, 1)
  assert.deepEqual([statusOf(house).instance, statusOf(house).up], ['other', true])
  assert.equal(await granted(house), 0)
  await locksmith.stop()
})

test('an older Locksmith, a word that is no status, and a term that cannot be, end nobody', async () => {
  const house = await new House().open()
  const { term } = statusOf(house)
  say(house, { instance: 'other', life: 'other', term: term - 1 })
  say(house, { instance: 'other', life: 'other', term: term + 2 ** 40 })
  house.broker.publish('other', { topic: STATUS, payload: '{"instance":1}', qos: 0, retain: false })
  await house.clock.advance(100)
  assert.equal(house.events('taken-over').length, 0)
  assert.ok((await granted(house)) > 0)
})

test('of two that began at one moment exactly one goes on', async () => {
  for (const [other, ends] of [
    ['zebra', 1],
    ['ant', 0]
  ] as const) {
    const house = await new House().open()
    say(house, { instance: other, life: other, term: statusOf(house).term })
    await house.clock.advance(100)
    assert.equal(house.events('taken-over').length, ends, other)
  }
})

test('two stores of one fleet: the one that began later goes on, and its fences lie above the other', async () => {
  const house = await new House().open()
  const before = await granted(house)
  const [disk, fenceFile] = [house.disk, house.fenceFile]
  const first = house.locksmith
  house.disk = emptyDisk()
  let ended = false
  void first?.takenOver.then(() => {
    ended = true
  })
  await house.open({ fenceFile: new MemoryFenceFile(), instance: 'second' })
  assert.ok(ended)
  assert.equal(statusOf(house).instance, 'second')
  assert.ok(disk !== house.disk && fenceFile.limit > 0)
  await house.clock.advance(2 * TTL_MS + 10_000)
  const session = house.session('late')
  await house.clock.advance(100)
  let fence = 0
  void session.acquire({ locks: ['*:safety'], wait: true }).then((grant) => {
    fence = grant.fence('*:safety')
  })
  await house.clock.advance(1000)
  assert.ok(fence > before, `${fence} after ${before}`)
})

test('of two Locksmiths on copies of one store the one that began later goes on, for it has read what the other granted; the older one ends, with words', async () => {
  const house = await new House().open()
  const before = await granted(house)
  const older = house.locksmith
  let why = ''
  void older?.takenOver.then((said) => {
    why = said
  })
  house.disk = copyDisk(house.disk)
  await house.open()
  assert.match(why, /Locksmith house-2, on a copy of this store, serves this fleet/)
  assert.equal(house.events('taken-over').length, 1)
  assert.deepEqual([statusOf(house).life, statusOf(house).up], ['house-2', true])
  await house.clock.advance(2 * TTL_MS)
  assert.equal(house.record('*:aim')?.fence, before, 'what the older one granted is known to the later one')
  assert.equal(house.record('*:aim')?.state, 'held')
  assert.equal(house.events('taken-over').length, 1)
})

test('a later life on a copy that has ended is met as grants that this store lacks: the fences rise above all of its block', async () => {
  const house = await new House().open()
  const { term, instance } = statusOf(house)
  say(house, { instance, life: 'a-copy', term: term + 3, up: false, fenceLimit: 9001 })
  await house.clock.advance(100)
  assert.equal(house.events('taken-over').length, 0)
  assert.equal(house.events('fences-raised').length, 1)
  assert.equal(house.events('fences-raised')[0]?.known, 9000)
  assert.ok(statusOf(house).term > term + 3)
})

test('of two copies that began from the same term exactly one goes on, and it raises the fences', async () => {
  for (const [other, ends] of [
    ['zebra', 1],
    ['ant', 0]
  ] as const) {
    const house = await new House().open()
    const { term, instance } = statusOf(house)
    say(house, { instance, life: other, term })
    await house.clock.advance(100)
    assert.equal(house.events('taken-over').length, ends, other)
    assert.equal(house.events('fences-raised').length, 1 - ends, other)
  }
})

test('an earlier life that knows of more grants than this store is believed, and ends nobody', async () => {
  const house = await new House().open()
  house.kill()
  await house.open()
  const { term, instance } = statusOf(house)
  say(house, { instance, life: 'earlier', term: term - 1, fenceHigh: 700 })
  await house.clock.advance(100)
  assert.equal(house.events('taken-over').length, 0)
  assert.equal(house.events('fences-raised').length, 1)
})
