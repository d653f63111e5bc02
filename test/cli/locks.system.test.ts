import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { mosquittoMissing } from '../support/mosquitto.ts'
import { killGroup } from '../support/processes.ts'
import { waitFor } from '../support/wait.ts'
import { grantOf, type ListedLock, startFleet, startShell } from './program.ts'

const needs = { skip: mosquittoMissing() }

test(
  'locks are granted on one JSON line each, listed with owner and reason, and free after Ctrl-C',
  needs,
  async (t) => {
    const fleet = await startFleet(t)
    const lock = fleet.start('lock', 'plant-2:aim', 'plant-2:safety', '--as', 'alice', '--reason', 'new lens')
    await waitFor('two grants', () => lock.lines.length === 2)
    assert.deepEqual(
      lock.lines.map((line) => Object.keys(line)),
      Array(2).fill(['lock', 'fence', 'owner', 'leaseMs'])
    )
    assert.deepEqual(
      lock.lines.map((line) => line.lock),
      ['plant-2:aim', 'plant-2:safety']
    )
    const listed = await fleet.json<(ListedLock & { reason: string })[]>('locks')
    assert.deepEqual(
      listed.map(({ lock, state, owner, reason }) => [lock, state, owner?.name, reason]),
      [
        ['plant-2:aim', 'held', 'alice', 'new lens'],
        ['plant-2:safety', 'held', 'alice', 'new lens']
      ]
    )
    const table = (await fleet.run('locks')).stdout
    assert.match(table, /^LOCK .*\nplant-2:aim +held +alice/)
    assert.ok(!table.includes('\x1b'))
    assert.match(
      (await fleet.run('why', 'plant-2/line-4:aim')).stdout,
      /is not free:\n1\. lock plant-2:aim of alice/
    )
    lock.signal('SIGINT')
    assert.equal((await lock.exited()).code, 0)
    assert.deepEqual(await fleet.json('locks'), [])
    const all = await fleet.json<ListedLock[]>('locks', '--all')
    assert.deepEqual(
      all.map(({ lock, state }) => [lock, state]),
      [
        ['plant-2:aim', 'free'],
        ['plant-2:safety', 'free']
      ]
    )
  }
)

test('a lock ends after --for and at SIGTERM, with 0, and is released', needs, async (t) => {
  const fleet = await startFleet(t)
  const timed = await fleet.run('lock', '*:aim', '--for', '200ms')
  assert.equal(timed.code, 0)
  const held = fleet.start('lock', '*:aim')
  await grantOf(held)
  held.signal('SIGTERM')
  assert.equal((await held.exited()).code, 0)
  assert.deepEqual(await fleet.json('locks'), [])
})

test(
  'what is not free ends with 75 at once or after --wait, names the holder, and is logged as HOT',
  needs,
  async (t) => {
    const fleet = await startFleet(t)
    const holder = fleet.start('lock', '*:aim', '--as', 'alice')
    await grantOf(holder)
    const busy = await fleet.run('lock', 'plant-2:aim', '--as', 'bob', '--no-wait', '--json')
    assert.equal(busy.code, 75)
    const { error } = JSON.parse(busy.stdout) as { error: { code: string; message: string } }
    assert.equal(error.code, 'LK-1001')
    assert.match(error.message, /\*:aim is held by alice/)
    const late = await fleet.run('exec', 'plant-2:aim', '--wait', '300ms', '--', 'false')
    assert.equal(late.code, 75)
    assert.match(late.stderr, /waiting at place 1: \*:aim is held by alice/)
    assert.match(late.stderr, /LK-1001 .*300 ms.*alice/)
    const hot = await fleet.serve.line('HOT', (line) => line.event === 'HOT' && line.wantedBy === 'bob')
    assert.match(String(hot.msg), /^HOT/)
    assert.equal(hot.owner, 'alice')
    const waiting = fleet.start('lock', '*:aim', '--as', 'carol')
    await waitFor('carol in the queue', () => waiting.stderr.includes('place 1'))
    waiting.signal('SIGINT')
    assert.equal((await waiting.exited()).code, 75)
    const [listed] = await fleet.json<ListedLock[]>('locks')
    assert.deepEqual(listed?.waiters, [])
  }
)

test('two waiters are served in the order in which they came, and the fence grows', needs, async (t) => {
  const fleet = await startFleet(t)
  const first = fleet.start('lock', '*:aim', '--as', 'first')
  const a = await grantOf(first)
  const second = fleet.start('lock', 'plant-2:aim', '--as', 'second')
  await waitFor('second in the queue', () => second.stderr.includes('place 1'))
  const third = fleet.start('lock', '*:aim', '--as', 'third')
  await waitFor('third in the queue', () => third.stderr.includes('place 2'))
  const [listed] = await fleet.json<ListedLock[]>('locks')
  assert.deepEqual(
    listed?.waiters.map(({ name }) => name),
    ['second', 'third']
  )
  first.signal('SIGINT')
  const b = await grantOf(second)
  assert.equal(third.lines.length, 0)
  second.signal('SIGINT')
  const c = await grantOf(third)
  assert.ok(a.fence < b.fence && b.fence < c.fence)
})

test('a ghost is cleared by unlock, and whoever waited is served at once', needs, async (t) => {
  const fleet = await startFleet(t, {
    ttl: '2s',
    config: ['[[policy]]', 'lock = "*"', 'lockDelay = "0s"', 'onOrphan = "wait-for-operator"']
  })
  const ghost = fleet.start('lock', '*:aim', '--as', 'node-7')
  await grantOf(ghost)
  await ghost.kill()
  const waiter = fleet.start('lock', 'plant-2:aim', '--as', 'operator')
  await waitFor('the ghost to be known as one', async () => {
    const [lock] = await fleet.json<ListedLock[]>('locks')
    return lock?.state === 'orphaned'
  })
  assert.equal(waiter.lines.length, 0)
  assert.match((await fleet.run('why', '*:aim')).stdout, /node-7 is a ghost/)
  const cleared = await fleet.run(
    'unlock',
    '*:aim',
    '--reason',
    'node-7 is dead, seen on site',
    '--yes',
    '--json'
  )
  assert.equal(cleared.code, 0, cleared.stderr)
  const { operation: _operation, ...outcome } = JSON.parse(cleared.stdout) as Record<string, unknown>
  assert.deepEqual(outcome, { lock: '*:aim', outcome: 'cleared', fence: 1, freeInMs: 0 })
  for (const part of [/orphaned, last held by node-7/, /waiting +operator/, /will move/, /next grant/])
    assert.match(cleared.stderr, part)
  await grantOf(waiter)
  const again = await fleet.run('unlock', '*:aim', '--reason', 'once more', '--yes', '--json')
  assert.equal(again.code, 0)
  assert.match(again.stdout, /"outcome":"already-free"/)
})

test(
  'a living owner whose lock is cleared ends with 124 by itself, and is told who did it',
  needs,
  async (t) => {
    const fleet = await startFleet(t)
    const owner = fleet.start('lock', '*:aim', '--as', 'alice', '--json')
    await grantOf(owner)
    const cleared = await fleet.run('unlock', '*:aim', '--reason', 'needed elsewhere', '--yes', '--as', 'bob')
    assert.equal(cleared.code, 0)
    assert.match(cleared.stdout, /is cleared; free within/)
    assert.equal((await owner.exited()).code, 124)
    const last = owner.lines.at(-1) as { error: { code: string } }
    assert.equal(last.error.code, 'LK-1016')
    assert.deepEqual(await fleet.json('locks'), [])
    const back = await fleet.run('lock', '*:aim', '--as', 'alice', '--for', '1ms')
    assert.match(back.stderr, /cleared by bob: needed elsewhere/)
  }
)

test(
  'unlock --grace asks a living owner to finish, who learns of it at once and then goes in peace',
  needs,
  async (t) => {
    const fleet = await startFleet(t)
    const owner = fleet.start('lock', '*:aim', '--as', 'alice', '--json')
    await grantOf(owner)
    const asking = [
      'unlock',
      '*:aim',
      '--reason',
      'needed elsewhere',
      '--yes',
      '--grace',
      '5m',
      '--as',
      'bob'
    ]
    assert.match(
      (await fleet.run(...asking)).stdout,
      /is asked back, and cleared in 5 m 00 s unless its owner is done/
    )
    const word = /LK-1018 bob asks for \*:aim within \d+ s, then it is cleared: needed elsewhere/
    await waitFor('the owner to be asked', () => word.test(owner.stderr))
    owner.signal('SIGINT')
    assert.equal((await owner.exited()).code, 0)
    assert.deepEqual(await fleet.json('locks'), [])
  }
)

const noScript = existsSync('/usr/bin/script')
  ? mosquittoMissing()
  : 'NOT TESTED: script is missing. Install it: apt-get install bsdutils'

test('unlock asks at a terminal, and leaves alone what changed hands while it asked', {
  skip: noScript
}, async (t) => {
  const fleet = await startFleet(t)
  const first = fleet.start('lock', '*:aim', '--as', 'first')
  const { fence } = await grantOf(first)
  const go = join(fleet.folder, 'go')
  const answer = `while [ ! -e ${go} ]; do sleep 0.02; done; echo y`
  const asking = "$LOCKSMITH unlock '*:aim' --reason test --as operator"
  const shell = startShell(t, `(${answer}) | script -qec "${asking}" /dev/null`, fleet.env)
  await waitFor('the question', () => shell.stdout.includes('[y/N]'))
  first.signal('SIGINT')
  await first.exited()
  const second = fleet.start('lock', '*:aim', '--as', 'second')
  assert.ok((await grantOf(second)).fence > fence)
  writeFileSync(go, '')
  assert.equal((await shell.exited()).code, 1)
  assert.match(shell.stdout, /changed hands/)
  const [listed] = await fleet.json<ListedLock[]>('locks')
  assert.equal(listed?.owner?.name, 'second')
})

test(
  'Locksmith killed with -9 and started again knows the lock, its owner keeps it, and the next fence is higher',
  needs,
  async (t) => {
    const fleet = await startFleet(t, { ttl: '12s' })
    const holder = fleet.start('lock', '*:aim', '--as', 'alice')
    const { fence } = await grantOf(holder)
    await killGroup(fleet.serve.pid)
    await fleet.restartServe()
    const [listed] = await fleet.json<ListedLock[]>('locks')
    assert.deepEqual([listed?.fence, listed?.state, listed?.owner?.name], [fence, 'held', 'alice'])
    const next = fleet.start('lock', '*:aim', '--as', 'bob')
    await waitFor('bob in the queue', () => next.stderr.includes('place 1'))
    assert.equal(holder.exit, undefined)
    holder.signal('SIGINT')
    assert.equal((await holder.exited()).code, 0)
    assert.ok((await grantOf(next)).fence > fence)
  }
)
