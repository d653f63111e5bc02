import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { copyDisk, openSqliteStore, StoreError } from '../../src/lock-manager/index.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { House, MemoryFenceFile, TTL_MS } from '../support/test-locksmith.ts'

const DELAY_MS = 10_000

async function held(house: House, name: string, lock = '*:aim') {
  const session = house.session(name)
  await house.clock.advance(100)
  const asked = session.acquire({ locks: [lock], wait: true })
  await house.clock.advance(100)
  return { session, grant: await asked }
}

test('a ghost that is found in the store is free one ttl and lockDelay after the start', async () => {
  const house = await new House().open()
  await held(house, 'ghost')
  house.broker.kill('ghost')
  house.kill()
  await house.open()
  const [line] = house.events('reclaim stale locks on boot').slice(-1)
  assert.deepEqual(line?.marked, ['*:aim'])
  await house.clock.advance(TTL_MS + DELAY_MS - TTL_MS / 3)
  assert.equal(house.record('*:aim')?.state, 'free')
})

test('over a restart a living owner keeps its lock, its fence and its lease', async () => {
  const house = await new House().open()
  const { grant } = await held(house, 'owner')
  const fence = grant.fence('*:aim')
  for (let lives = 0; lives < 3; lives += 1) {
    house.kill()
    await house.clock.advance(2000)
    await house.open()
    await house.clock.advance(2 * TTL_MS)
  }
  assert.equal(grant.lost.aborted, false)
  assert.ok(grant.leftMs() > 0)
  assert.deepEqual([house.record('*:aim')?.state, house.record('*:aim')?.fence], ['held', fence])
})

test('a crash loop keeps no ghost alive and takes no lock from the living', async () => {
  const house = await new House().open()
  await held(house, 'ghost', 'plant-1:aim')
  const { grant } = await held(house, 'owner', 'plant-2:aim')
  house.broker.kill('ghost')
  for (let crashes = 0; crashes < 8; crashes += 1) {
    house.kill()
    await house.open()
    await house.clock.advance(2000)
  }
  assert.notEqual(house.record('plant-1:aim')?.state, 'held')
  assert.equal(grant.lost.aborted, false)
  assert.equal(house.record('plant-2:aim')?.state, 'held')
  await house.clock.advance(TTL_MS + DELAY_MS)
  assert.equal(house.record('plant-1:aim')?.state, 'free')
})

test('waiters find their places again after a restart', async () => {
  const house = await new House().open()
  const { grant } = await held(house, 'owner')
  const order: string[] = []
  for (const name of ['first', 'second']) {
    const session = house.session(name)
    await house.clock.advance(100)
    void session.acquire({ locks: ['*:aim'], wait: true }).then(async (mine) => {
      order.push(name)
      await mine.release()
    })
    await house.clock.advance(1000)
  }
  house.kill()
  await house.open()
  await house.clock.advance(TTL_MS)
  void grant.release()
  await house.clock.advance(TTL_MS)
  assert.deepEqual(order, ['first', 'second'])
})

test('fences never repeat over restarts, whatever became of the reserved ones', async () => {
  const house = await new House().open()
  const seen = new Set<unknown>()
  for (let lives = 0; lives < 4; lives += 1) {
    const { grant, session } = await held(house, `owner-${lives}`)
    assert.ok(!seen.has(grant.fence('*:aim')))
    seen.add(grant.fence('*:aim'))
    void session.close()
    await house.clock.advance(1000)
    house.kill()
    await house.open()
  }
  assert.deepEqual([...seen].sort(), [...seen])
})

test('an older copy of the store raises the fences above all that were granted, and is quiet for one ttl', async () => {
  const house = await new House().open()
  const { session } = await held(house, 'first')
  void session.close()
  await house.clock.advance(100)
  const backup = copyDisk(house.disk)
  const lost = await held(house, 'lost', 'plant-1:aim')
  const known = lost.grant.fence('plant-1:aim')
  house.kill()
  house.disk = backup
  await house.open()
  assert.equal(house.events('fences-raised').length, 1)
  const status = house.broker.sentOn('locksmith/1/default/status').at(-1)
  assert.ok(Number(status?.quietMs) > 0)
  const fresh = house.session('fresh')
  await house.clock.advance(100)
  let fence = 0
  void fresh.acquire({ locks: ['plant-1:aim'], wait: true }).then((grant) => {
    fence = grant.fence('plant-1:aim')
  })
  await house.clock.advance(TTL_MS - TTL_MS / 3 - 200)
  assert.equal(fence, 0, 'nothing is granted in the quiet time')
  assert.equal(lost.grant.lost.aborted, true, 'nothing is re-asserted')
  await house.clock.advance(TTL_MS + DELAY_MS)
  assert.ok(fence > known + 1000, `${fence} after ${known}`)
})

test('after a raise no reply lets a hold fall before the moment in which the next grant is possible', async () => {
  const house = await new House().open()
  const backup = copyDisk(house.disk)
  await held(house, 'lost', 'plant-1:aim')
  house.kill()
  house.disk = backup
  house.start()
  const raisedAt = house.clock.now()
  const waiter = house.session('waiter')
  await house.clock.advance(100)
  let grantedAt = 0
  void waiter.acquire({ locks: ['plant-1:aim'], wait: true }).then(() => {
    grantedAt = house.clock.now()
  })
  await house.clock.advance(TTL_MS + DELAY_MS - 200)
  assert.equal(grantedAt, 0)
  const quiet = (): number[] => house.heard('waiter').map(({ quietMs }) => Number(quietMs))
  assert.ok(
    quiet().every((ms) => ms > 0),
    `${quiet()}`
  )
  await house.clock.advance(TTL_MS / 3 + 200)
  assert.ok(grantedAt - raisedAt >= TTL_MS + DELAY_MS, `${grantedAt - raisedAt}`)
  assert.equal(quiet().at(-1), 0)
})

test('a fence file that is ahead of the store proves that the store is not the newest', async () => {
  const house = await new House().open()
  house.kill()
  house.broker.retained.clear()
  house.fenceFile.limit = 40_000
  await house.open()
  assert.equal(house.events('fences-raised').length, 1)
  await house.clock.advance(TTL_MS + DELAY_MS)
  const { grant } = await held(house, 'owner')
  assert.ok(grant.fence('*:aim') >= 40_000)
})

test('a store that comes back without its fence file, to a broker with nothing retained, is quiet, and an owner that it does not know proves the loss late, but in time', async () => {
  const house = await new House().open()
  const backup = copyDisk(house.disk)
  const { grant } = await held(house, 'unknown', 'plant-1:aim')
  house.kill()
  house.disk = backup
  house.broker.stop(true)
  house.broker.start()
  // Nothing is heard of it for longer than the third of a lease that others are given to come back.
  house.broker.loses = (_to, { from }) => from === 'unknown'
  house.start({ fenceFile: new MemoryFenceFile() })
  const rival = house.session('rival')
  await house.clock.advance(100)
  let grantedAt = 0
  void rival.acquire({ locks: ['plant-1:aim'], wait: true }).then(() => {
    grantedAt = house.clock.now()
  })
  await house.clock.advance(TTL_MS / 2)
  assert.equal(house.events('no-witness').length, 1)
  assert.equal(grantedAt, 0)
  assert.ok(grant.leftMs() > 0)
  house.broker.loses = () => false
  await house.clock.advance(TTL_MS / 2)
  assert.equal(house.events('fences-raised').length, 1)
  assert.equal(grantedAt, 0)
  await house.clock.advance(2 * TTL_MS + DELAY_MS)
  assert.ok(grantedAt > 0)
})

test('an ordinary restart raises nothing and is not quiet', async () => {
  const house = await new House().open()
  await held(house, 'owner')
  for (let lives = 0; lives < 3; lives += 1) {
    house.kill()
    await house.open()
  }
  assert.equal(house.events('fences-raised').length, 0)
  assert.equal(house.broker.sentOn('locksmith/1/default/status').at(-1)?.quietMs, 0)
})

test('a fence file that cannot be read is fatal, in words', () => {
  const house = new House()
  house.fenceFile.read = () => {
    throw new Error('Unexpected token')
  }
  assert.throws(
    () => house.start(),
    (error: unknown) =>
      error instanceof StoreError && error.fatal && /fence file.*Unexpected/.test(error.message)
  )
})

test('nothing is granted before all that the broker retains was read, though its end is lost again and again', async () => {
  const house = new House()
  let lost = 0
  house.broker.loses = (to, { topic }) => to === '' && topic.includes('/sentinel/') && lost++ < 3
  house.start()
  const session = house.session('early')
  let granted = false
  void session.acquire({ locks: ['*:aim'], wait: true }).then(() => {
    granted = true
  })
  await house.clock.advance(2900)
  assert.equal(house.events('serving').length, 0)
  await house.clock.advance(TTL_MS)
  assert.equal(house.events('serving').length, 1)
  assert.equal(granted, true)
})

test('a store that refuses at the start is tried again, and the start is whole when it recovers', async () => {
  const house = new House()
  house.disk.refuses = 'SQLITE_FULL: database or disk is full'
  house.start()
  await house.clock.advance(10_000)
  assert.equal(house.events('serving').length, 0)
  house.disk.refuses = undefined
  await house.clock.advance(TTL_MS)
  assert.equal(house.events('serving').length, 1)
  await held(house, 'owner')
})

test('on SQLite: the ghost of a killed fleet is reclaimed, and an older copy of the file raises the fences', async (t) => {
  const folder = temporaryFolder(t)
  const [file, copy] = [join(folder, 'locksmith.db'), join(folder, 'backup.db')]
  const house = await new House().open({ store: openSqliteStore(file) })
  await house.locksmith?.stop()
  copyFileSync(file, copy)
  await house.open({ store: openSqliteStore(file) })
  const { grant } = await held(house, 'ghost')
  const known = grant.fence('*:aim')
  house.broker.kill('ghost')
  await house.locksmith?.stop()
  await house.open({ store: openSqliteStore(file) })
  await house.clock.advance(TTL_MS + DELAY_MS)
  assert.equal(house.record('*:aim')?.state, 'free')
  await house.locksmith?.stop()
  await house.open({ store: openSqliteStore(copy) })
  assert.equal(house.events('fences-raised').length, 1)
  await house.clock.advance(TTL_MS + DELAY_MS)
  const next = await held(house, 'next')
  assert.ok(next.grant.fence('*:aim') > known + 1000)
  await house.locksmith?.stop()
})

test('a retained record alone proves that the store has lost its grant', async () => {
  const house = await new House().open()
  const backup = copyDisk(house.disk)
  const lost = await held(house, 'lost', 'plant-1:aim')
  house.broker.kill('lost')
  house.kill()
  house.disk = backup
  await house.open()
  assert.equal(house.events('fences-raised').length, 1)
  assert.equal(house.events('fences-raised')[0]?.known, lost.grant.fence('plant-1:aim'))
})
