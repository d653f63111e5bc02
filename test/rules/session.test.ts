import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Story, TTL_MS } from '../support/fleet-story.ts'

const leaseOf = (story: Story, session: number): number =>
  (story.fleet.contacts.get(String(session))?.leaseUntil ?? 0) - story.now

test('a heartbeat that has heard a young reply renews the lease for one ttl', () => {
  const story = new Story()
  const tool = story.tool('ops')
  story.pass(1000)
  tool.beat()
  assert.equal(tool.last('heartbeat')?.leaseMs, TTL_MS)
  assert.equal(leaseOf(story, tool.session), TTL_MS)
})

test('a line that works one way only is no contact: heartbeats that hear nothing renew no lease', () => {
  const story = new Story()
  const tool = story.tool('ops')
  tool.ask('*:aim')
  tool.die()
  const heard = tool.lastHeard
  for (let beats = 0; beats < 6; beats += 1) {
    story.pass(TTL_MS / 3)
    tool.beat({ heard })
    tool.nextBeat = Number.POSITIVE_INFINITY
  }
  assert.equal(tool.last('heartbeat')?.leaseMs, 0)
  assert.equal(story.lock('*:aim').orphan?.cause, 'lease-ran-out')
})

test('a number that was never sent as a reply proves nothing', () => {
  const story = new Story()
  const tool = story.tool('ops')
  story.pass(1)
  tool.beat({ heard: 999 })
  assert.equal(tool.last('heartbeat')?.leaseMs, 0)
})

test('a repeated or overtaken heartbeat changes nothing and is not answered', () => {
  const story = new Story()
  const tool = story.tool('ops')
  tool.ask('*:aim')
  tool.beat({ seq: 50 })
  const [before, mark] = [leaseOf(story, tool.session), story.effects.length]
  story.pass(10)
  tool.asks.clear()
  tool.beat({ seq: 50 })
  tool.beat({ seq: 49 })
  assert.equal(leaseOf(story, tool.session), before - 10)
  assert.deepEqual(story.repliesSince(mark), [])
  assert.deepEqual(tool.holds, ['*:aim'])
})

test('the first heartbeat after a start renews a session that the store knows, and the next needs a heard reply', () => {
  const story = new Story()
  const tool = story.tool('ops')
  tool.ask('*:aim')
  story.restart()
  tool.beat()
  assert.equal(tool.last('heartbeat')?.leaseMs, TTL_MS)
  tool.beat({ heard: 0 })
  assert.equal(tool.last('heartbeat')?.leaseMs, 0)
  tool.beat()
  assert.equal(tool.last('heartbeat')?.leaseMs, TTL_MS)
})

test('an unknown session is told so', () => {
  const story = new Story()
  const tool = story.tool('ops')
  tool.session = 12_345
  tool.beat()
  assert.deepEqual(tool.last('refused')?.refusal, { why: 'unknown-session' })
})

test('nobody speaks for the session of another name', () => {
  const story = new Story()
  const [tool, thief] = [story.tool('ops'), story.tool('thief')]
  thief.session = tool.session
  thief.beat()
  assert.equal(thief.last('refused')?.refusal.why, 'unknown-session')
})

test('a repeated hello is answered with the same session', () => {
  const story = new Story()
  const tool = story.tool('ops')
  tool.hello('same')
  const { session } = tool
  tool.hello('same')
  assert.equal(tool.session, session)
})

test('sessions of tools stand beside each other under one name; a new agent session replaces the older one', () => {
  const story = new Story()
  const [one, two] = [story.tool('ops'), story.tool('ops')]
  one.beat()
  assert.equal(one.last('refused'), undefined)
  const [old, fresh] = [story.agent('plant-1/arm-7'), story.agent('plant-1/arm-7')]
  old.beat()
  assert.deepEqual(old.last('refused')?.refusal, { why: 'session-replaced', by: fresh.session })
  assert.notEqual(one.session, two.session)
})

test('the locks of a replaced agent session are orphaned until the lease that it may believe in has run out', () => {
  const story = new Story()
  const old = story.agent('plant-1/arm-7', true)
  old.ask('plant-1/arm-7:aim')
  story.pass(1000)
  old.die()
  const fresh = story.agent('plant-1/arm-7', true)
  const lock = story.lock('plant-1/arm-7:aim')
  assert.equal(lock.orphan?.cause, 'replaced')
  assert.equal(lock.orphan?.leaseUntil, story.now + TTL_MS - 1000)
  fresh.ask('plant-1/arm-7:aim')
  story.pass(TTL_MS - 1001)
  assert.deepEqual(fresh.holds, [])
  story.pass(1)
  assert.deepEqual(fresh.holds, ['plant-1/arm-7:aim'])
})

test('a late hello of a replaced session does not bring it back', () => {
  const story = new Story()
  const old = story.agent('plant-1/arm-7')
  old.hello('first')
  const fresh = story.agent('plant-1/arm-7')
  old.hello('first')
  fresh.beat()
  assert.equal(fresh.last('refused'), undefined)
})

test('an agent says hello under its own name only', () => {
  const story = new Story()
  const liar = story.agent('plant-1/arm-7')
  Object.assign(liar.who, { name: 'arm-8' })
  liar.hello('wrong')
  assert.deepEqual(liar.last('failed')?.refusal, {
    why: 'identity-taken',
    device: 'plant-1/arm-7',
    by: null
  })
})

test('a name that is alive at one path is refused at another, and accepted there once it has fallen silent', () => {
  const story = new Story()
  const here = story.agent('plant-1/arm-7')
  const there = story.agent('plant-2/arm-7')
  const by = { lastHeardMs: 0, leaseLeftMs: TTL_MS }
  assert.deepEqual(there.last('failed')?.refusal, { why: 'identity-taken', device: 'plant-1/arm-7', by })
  here.die()
  there.die()
  story.pass(TTL_MS)
  there.enter()
  assert.ok(there.session > 0)
})

test('a tool that names a device is no agent of it', () => {
  const story = new Story()
  const tool = story.tool('ops')
  Object.assign(tool.who, { device: 'plant-1/arm-7' })
  tool.hello('as-device')
  assert.equal(tool.refusal(tool.push('plant-1')), 'no-devices')
})

test('session numbers are never used twice, however many messages and starts lie between', () => {
  const story = new Story()
  const seen = new Set<number>()
  for (let starts = 0; starts < 3; starts += 1) {
    for (let arrivals = 0; arrivals < 1_100_000; arrivals += 1) story.fleet.count()
    for (const name of ['a', 'b']) {
      const { session } = story.tool(name)
      assert.ok(!seen.has(session) && Number.isSafeInteger(session), String(session))
      seen.add(session)
    }
    story.restart()
  }
})

test('goodbye frees what the session held and withdraws what it waited for', () => {
  const story = new Story()
  const [holder, waiter, next] = [story.tool('holder'), story.tool('waiter'), story.tool('next')]
  holder.ask('*:aim')
  waiter.ask('*:aim')
  next.ask('*:aim')
  waiter.goodbye()
  holder.goodbye()
  assert.deepEqual(next.holds, ['*:aim'])
})

test('what arrives late after a goodbye renews nothing and asks for nothing', () => {
  const story = new Story()
  for (const player of [story.agent('plant-1/arm-7'), story.tool('ops')]) {
    player.goodbye()
    player.asks.set('late', { locks: ['plant-1/arm-7:aim'], since: story.now })
    player.beat()
    assert.equal(player.last('refused')?.refusal.why, 'unknown-session')
    player.ask('plant-1/arm-7:aim')
    assert.deepEqual(player.holds, [])
    player.die()
  }
})

test('the reply tells what the session holds and awaits, and what covers its device, as of its revision', () => {
  const story = new Story()
  const arm = story.agent('plant-1/arm-7')
  const ops = story.tool('ops')
  const request = ops.ask('plant-1:aim')
  const waiting = arm.ask('plant-1/arm-7:aim')
  arm.beat()
  const reply = arm.last('heartbeat')
  assert.deepEqual(
    reply?.covering.map(({ name, fence }) => [name, fence]),
    [['plant-1:aim', story.lock('plant-1:aim').fence]]
  )
  assert.equal(reply?.queued[0]?.request, waiting)
  ops.beat()
  assert.deepEqual(ops.last('heartbeat')?.holding, [
    { request, lock: 'plant-1:aim', fence: story.lock('plant-1:aim').fence }
  ])
})

test('a reply speaks for its own moment, also when the same batch goes on to change the state', () => {
  const story = new Story()
  const arm = story.agent('plant-1/arm-7')
  const ops = story.tool('ops')
  const mark = story.effects.length
  arm.beat()
  ops.ask('*:aim')
  const reply = story.since(mark, 'reply').find((effect) => effect.to === 'arm-7')
  const { rev } = story.lock('*:aim')
  assert.ok(reply && reply.at.rev < rev, 'a record that the reply does not know of is newer than it')
})

test('the floors of a reply are the highest of all locks that cover the device', () => {
  const story = new Story()
  const arm = story.agent('plant-1/arm-7')
  const ops = story.tool('ops')
  ops.release(ops.ask('plant-1:aim'))
  ops.release(ops.ask('*:aim'))
  ops.ask('plant-2:aim')
  arm.beat()
  assert.deepEqual({ ...arm.last('heartbeat')?.floors }, { aim: story.lock('*:aim').floor })
})

test('an owner whose lock was cleared is told at its next hello, also when the first answer was lost', () => {
  const story = new Story()
  const ghost = story.tool('node-7')
  ghost.ask('*:aim')
  ghost.die()
  story.unlock('*:aim', { reason: 'it hangs' })
  ghost.hello('again')
  ghost.hello('again')
  for (const news of ghost.heard.filter((reply) => reply.op === 'hello').slice(-2))
    assert.match(news.op === 'hello' ? (news.news[0] ?? '') : '', /cleared by operator: it hangs/)
  ghost.hello('later')
  assert.deepEqual(ghost.last('hello')?.news, [])
})

test('a reply that was heard too long ago proves nothing any more', () => {
  const story = new Story()
  const tool = story.tool('ops')
  tool.die()
  story.pass(TTL_MS)
  tool.beat()
  assert.equal(tool.last('heartbeat')?.leaseMs, 0)
  tool.beat()
  assert.equal(tool.last('heartbeat')?.leaseMs, TTL_MS)
})

test('a fresh session is in contact only once it has heard the answer to its hello', () => {
  const story = new Story()
  const tool = story.tool('ops')
  tool.hello()
  tool.beat({ heard: 999 })
  assert.equal(tool.last('heartbeat')?.leaseMs, 0)
})

test('what a replaced agent session waited for is nobody’s any more', () => {
  const story = new Story()
  const [holder, old] = [story.tool('holder'), story.agent('plant-1/arm-7')]
  const request = holder.ask('*:aim')
  old.ask('plant-1/arm-7:aim')
  story.agent('plant-1/arm-7')
  holder.release(request)
  assert.deepEqual(old.holds, [])
})
