import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openMemoryStore, type Store } from '../../src/lock-manager/index.ts'
import { fuzzSeed, randomFrom } from '../support/seed.ts'
import { House, TTL_MS } from '../support/test-locksmith.ts'

const DELAY_MS = 10_000
const FULL = 'SQLITE_FULL: database or disk is full'

async function held(house: House, name: string, lock = '*:aim') {
  const session = house.session(name)
  await house.clock.advance(100)
  const asked = session.acquire({ locks: [lock], wait: true })
  await house.clock.advance(100)
  return { session, grant: await asked }
}

test('while the store refuses nothing is granted, heartbeats go on, and it recovers by itself', async () => {
  const house = await new House().open()
  const { session, grant } = await held(house, 'owner')
  const ghost = await held(house, 'ghost', 'plant-9:safety')
  const waiter = house.session('waiter')
  await house.clock.advance(100)
  house.disk.refuses = FULL
  house.broker.kill('ghost')
  let got = false
  void waiter.acquire({ locks: ['plant-1:safety'], wait: true }).then(() => {
    got = true
  })
  await house.clock.advance(5 * TTL_MS)
  assert.equal(got, false)
  assert.equal(grant.lost.aborted, false, 'a ghost and a waiter do not starve the heartbeats of the living')
  assert.ok(session.leaseLeftMs() > 0)
  assert.ok(waiter.leaseLeftMs() > 0)
  assert.equal(house.record('plant-9:safety')?.state, 'held')
  assert.ok(ghost.grant.fence('plant-9:safety') > 0)
  assert.equal(house.events('store-refused').length, 1, 'it is said once, not at every message')
  house.disk.refuses = undefined
  await house.clock.advance(2000)
  assert.equal(got, true)
  assert.equal(house.events('store-recovered').length, 1)
  await house.clock.advance(TTL_MS + DELAY_MS)
  assert.equal(house.record('plant-9:safety')?.state, 'free')
})

test('while the store refuses it is tried once a second, not at every turn', async () => {
  const house = new House()
  let commits = 0
  await house.open({ store: counting(house, () => (commits += 1)) })
  await held(house, 'ghost')
  house.broker.kill('ghost')
  house.disk.refuses = FULL
  await house.clock.advance(TTL_MS)
  commits = 0
  await house.clock.advance(10_000)
  assert.ok(commits <= 11, `${commits} commits in 10 s`)
})

test('a release that the store refused is repeated by its owner until it holds', async () => {
  const house = await new House().open()
  const { grant } = await held(house, 'owner')
  house.disk.refuses = FULL
  void grant.release()
  await house.clock.advance(1000)
  assert.equal(house.record('*:aim')?.state, 'held')
  house.disk.refuses = undefined
  await house.clock.advance(TTL_MS / 3 + 1000)
  assert.equal(house.record('*:aim')?.state, 'free')
})

test('a fence file that refuses withholds the next block: no fence above its bound is granted', async () => {
  const house = await new House().open()
  house.fenceFile.refuses = true
  const session = house.session('busy')
  await house.clock.advance(100)
  let highest = 0
  let stopped = false
  const cycle = async (): Promise<void> => {
    const grant = await session.acquire({ locks: ['*:aim'], wait: true })
    highest = grant.fence('*:aim')
    void grant.release()
    // Without it the whole of the second half would pass in one moment.
    if (!stopped) house.clock.after(1, () => void cycle())
  }
  void cycle()
  for (let turns = 0; turns < 1500; turns += 1) await house.clock.advance(3)
  assert.ok(highest < house.fenceFile.limit, `${highest} below ${house.fenceFile.limit}`)
  assert.ok(highest > house.fenceFile.limit - 20, `${highest}: all that was reserved is used`)
  assert.ok(house.events('fence-file').length < 10)
  house.fenceFile.refuses = false
  const before = highest
  for (let turns = 0; turns < 1000; turns += 1) await house.clock.advance(3)
  assert.ok(highest > before)
  stopped = true
})

/** The store of the house, with a look at each commit. */
function counting(house: House, look: () => void): Store {
  const store = openMemoryStore(house.disk)
  const commit: Store['commit'] = (...args) => {
    look()
    store.commit(...args)
  }
  return { ...store, commit }
}

test('requests that wait together share one commit', async () => {
  const house = new House()
  let commits = 0
  await house.open({ store: counting(house, () => (commits += 1)) })
  const sessions = Array.from({ length: 20 }, (_, index) => house.session(`p${index}`))
  await house.clock.advance(100)
  const before = commits
  const asked = sessions.map((session, index) =>
    session.acquire({ locks: [`line-${index}:aim`], wait: true })
  )
  await house.clock.advance(1)
  assert.equal((await Promise.all(asked)).length, 20)
  assert.equal(commits - before, 1)
})

test('heartbeats write nothing', async () => {
  const house = new House()
  let commits = 0
  await house.open({ store: counting(house, () => (commits += 1)) })
  const { grant } = await held(house, 'owner')
  const before = commits
  await house.clock.advance(5 * TTL_MS)
  assert.equal(grant.lost.aborted, false)
  assert.equal(commits, before)
})

test('a broker that has lost everything is told all again: status, every record, every update that is out', async () => {
  const house = await new House().open()
  house.session('arm-1', { kind: 'agent', device: 'plant-1/arm-1' })
  await held(house, 'owner', 'plant-2:aim')
  const push = house.session('node-7', { kind: 'push' })
  await house.clock.advance(1000)
  const [resource, version, digest] = ['safety', 3, 'd'.repeat(64)]
  const more = { resource, version, document: 'text', digest, scope: 'plant-1', under: null, atOnce: 1 }
  void push.request((session, seq) => ({ op: 'push', id: 'p1', session, seq, ...more }), 'push')
  await house.clock.advance(100)
  const before = [...house.broker.retained.keys()].filter((topic) => !topic.includes('/agent/')).sort()
  assert.ok(before.some((topic) => topic.endsWith('/update/arm-1/safety')))
  house.broker.stop(true)
  await house.clock.advance(1000)
  house.broker.start()
  await house.clock.advance(1000)
  assert.deepEqual([...house.broker.retained.keys()].sort(), before)
  assert.equal(house.record('plant-2:aim')?.state, 'held')
})

test('an update that the broker still retains though its push has ended is removed at the next connection', async () => {
  const house = await new House().open()
  const topic = 'locksmith/1/default/update/arm-1/aim'
  house.broker.stop()
  house.broker.retained.set(topic, '{"old":"update"}')
  house.broker.start()
  await house.clock.advance(1000)
  assert.equal(house.broker.retained.has(topic), false)
})

test('garbage, oversized and malicious requests are logged with a sentence and change nothing', async () => {
  const house = await new House().open()
  const { grant } = await held(house, 'owner')
  const rows = house.disk.rows.size
  const bad = [
    '',
    'null',
    '{',
    '[]',
    '"text"',
    '{"op":"explode"}',
    '{"op":"hello"}',
    '{"op":"acquire","session":1e999}',
    `{"op":"hello","id":"${'x'.repeat(300_000)}"}`,
    '{"__proto__":{"op":"hello"}}',
    '['.repeat(100_000),
    `{"op":"query","id":"q","what":"locks","subject":"${'\\u0000'.repeat(700)}"}`
  ]
  for (const [index, text] of bad.entries()) house.say(`hostile-${index}`, text)
  house.broker.publish('hostile', {
    topic: 'locksmith/1/default/req/hostile',
    payload: '{"op":"hello"}',
    qos: 0,
    retain: true
  })
  await house.clock.advance(1000)
  const lines = house.events('bad-request')
  assert.equal(lines.length, bad.length + 1)
  for (const { problem, code } of lines) {
    assert.equal(code, 'LK-2006')
    assert.ok(typeof problem === 'string' && problem.length > 5 && problem.length < 300, String(problem))
  }
  assert.equal(house.disk.rows.size, rows)
  assert.equal(grant.lost.aborted, false)
  assert.equal(Object.hasOwn(Object.prototype, 'op'), false)
})

test('a sender whose request makes no sense is told so by its id, and need not wait for nothing', async () => {
  const house = await new House().open()
  house.say('hostile', '{"op":"query","id":"q-1","what":"everything"}')
  house.say('hostile', '{"op":"query","what":"everything"}')
  await house.clock.advance(100)
  const replies = house.broker.posted.filter(({ topic }) => topic.endsWith('/rep/hostile'))
  assert.equal(replies.length, 1)
  const { op, id, refusal } = JSON.parse(replies[0]?.payload ?? '{}')
  assert.deepEqual([op, id, refusal.code], ['failed', 'q-1', 'LK-2006'])
  assert.match(refusal.message, /what/)
})

test('a request that was retained by somebody is not carried out, at the start nor at a reconnection', async () => {
  const house = new House()
  const hello = { op: 'hello', id: 'h', kind: 'tool', boot: 'b', device: null, knownFence: 0 }
  house.broker.retained.set('locksmith/1/default/req/old', JSON.stringify(hello))
  await house.open()
  house.broker.stop()
  await house.clock.advance(1000)
  house.broker.start()
  await house.clock.advance(1000)
  assert.deepEqual(house.heard('old'), [])
})

test('the mark behind what is retained is Locksmith’s own: nobody else’s starts it', async () => {
  const house = new House()
  house.broker.loses = (to, { topic }) => to === '' && topic.includes('/sentinel/')
  house.start()
  await house.clock.advance(10)
  const topic = 'locksmith/1/default/status/sentinel/forged'
  house.broker.publish('hostile', { topic, payload: '{}', qos: 1, retain: false })
  await house.clock.advance(100)
  assert.equal(house.events('serving').length, 0)
})

test('an update that is out stays retained over a reconnection', async () => {
  const house = await new House().open()
  house.session('arm-1', { kind: 'agent', device: 'plant-1/arm-1' })
  const push = house.session('node-7', { kind: 'push' })
  await house.clock.advance(1000)
  const digest = 'd'.repeat(64)
  const update = {
    resource: 'aim',
    version: 3,
    document: 'text',
    digest,
    scope: 'plant-1',
    under: null,
    atOnce: 1
  }
  void push.request((session, seq) => ({ op: 'push', id: 'p1', session, seq, ...update }), 'push')
  await house.clock.advance(100)
  house.broker.stop()
  await house.clock.advance(100)
  house.broker.start()
  await house.clock.advance(1000)
  assert.ok(house.broker.retained.has('locksmith/1/default/update/arm-1/aim'))
})

test('who stood behind a session that was replaced is served in the same moment', async () => {
  const house = await new House().open()
  const [lock, other] = ['plant-1/arm-1:aim', 'plant-1/arm-1:safety']
  await held(house, 'holder', other)
  const agent = house.session('arm-1', { kind: 'agent', device: 'plant-1/arm-1' })
  const behind = house.session('behind')
  await house.clock.advance(1000)
  void agent.acquire({ locks: [lock, other], wait: true })
  await house.clock.advance(100)
  let served = false
  void behind.acquire({ locks: [lock], wait: true }).then(() => {
    served = true
  })
  await house.clock.advance(100)
  assert.equal(served, false)
  house.say('arm-1', {
    op: 'hello',
    id: 'new',
    kind: 'agent',
    boot: 'b',
    device: 'plant-1/arm-1',
    knownFence: 0
  })
  await house.clock.advance(1)
  assert.equal(served, true)
})

test('a reply of the same batch as a grant is older than the record of that grant', async () => {
  const house = await new House().open()
  const agent = house.session('arm-1', { kind: 'agent', device: 'plant-1/arm-1' })
  const tool = house.session('tool')
  await house.clock.advance(1000)
  const refreshed = agent.refresh()
  void tool.acquire({ locks: ['*:aim'], wait: true })
  await house.clock.advance(1)
  const { reply } = await refreshed
  assert.deepEqual(reply.covering, [])
  assert.ok(reply.rev < Number(house.record('*:aim')?.rev), 'so that the device does not overlook it')
})

test('a line that loses most of what it carries still ends in a grant', async () => {
  const seed = fuzzSeed()
  const random = randomFrom(seed)
  for (const share of [0.1, 0.3, 0.5]) {
    const house = await new House().open()
    house.broker.loses = (_to, { topic }) => !topic.includes('sentinel') && random() < share
    const session = house.session('ops')
    let fence = 0
    const ask = async (): Promise<void> => {
      while (fence === 0) {
        const grant = await session.acquire({ locks: ['*:aim'], wait: true }).catch(() => undefined)
        fence = grant?.fence('*:aim') ?? 0
      }
    }
    void ask()
    await house.clock.advance(20 * TTL_MS)
    assert.ok(fence > 0, `loss of ${share}, FUZZ_SEED=${seed}`)
  }
})

test('when Locksmith stops, its status says so and the store is left whole', async () => {
  const house = await new House().open()
  await house.locksmith?.stop()
  assert.equal(house.broker.sentOn('locksmith/1/default/status').at(-1)?.up, false)
  await house.clock.advance(10 * TTL_MS)
  assert.equal(house.events('store-refused').length, 0)
})

test('who passes from one lock to the next hears of the next first, so that nothing moves in between', async () => {
  const house = await new House().open()
  const { grant } = await held(house, 'first')
  const second = house.session('second')
  await house.clock.advance(100)
  const asked = second.acquire({ locks: ['plant-1/arm-1:aim'], wait: true })
  await house.clock.advance(100)
  const before = house.broker.posted.length
  void grant.release()
  await house.clock.advance(100)
  await asked
  const recordsSince = (mark: number): string[] =>
    house.broker.posted
      .slice(mark)
      .filter(({ topic }) => topic.includes('/lock/'))
      .map(({ payload }) => JSON.parse(payload) as { lock: string; state: string })
      .map(({ lock, state }) => `${lock} ${state}`)
  assert.deepEqual(recordsSince(before), ['plant-1/arm-1:aim held', '*:aim free'])
  house.broker.stop(true)
  const restarted = house.broker.posted.length
  house.broker.start()
  await house.clock.advance(1000)
  assert.deepEqual(recordsSince(restarted).slice(0, 2), ['plant-1/arm-1:aim held', '*:aim free'])
})
