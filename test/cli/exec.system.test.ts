import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { mosquittoMissing } from '../support/mosquitto.ts'
import { childrenOf, killGroup, membersOfGroup, type Process } from '../support/processes.ts'
import { waitFor } from '../support/wait.ts'
import { grantOf, type ListedLock, startFleet, type TestFleet } from './program.ts'

const needs = { skip: mosquittoMissing() }

/** Starts a command that writes its pid and waits; the pid names its process group. */
async function startCommand(
  t: TestContext,
  fleet: TestFleet,
  script = 'sleep 600'
): Promise<{ exec: Process; group: number }> {
  const file = join(mkdtempSync(join(fleet.folder, 'command-')), 'pid')
  const exec = fleet.start('exec', '*:aim', '--as', 'alice', '--', 'sh', '-c', `echo $$ > ${file}; ${script}`)
  const group = await waitFor('the command', () => Number(readFileSync(file, 'utf8')))
  // It has a group of its own, which nobody else ends if exec fails to.
  t.after(() => killGroup(group))
  return { exec, group }
}

test(
  'exec hands lock, fence and owner to the command, passes its output, and ends with its status',
  needs,
  async (t) => {
    const fleet = await startFleet(t)
    const print = 'echo $LOCKSMITH_LOCK $LOCKSMITH_FENCE $LOCKSMITH_OWNER; exit 7'
    const ended = await fleet.run('exec', 'plant-2:aim', '--as', 'alice', '--', 'sh', '-c', print)
    assert.equal(ended.code, 7)
    assert.match(ended.stdout, /^plant-2:aim 1 alice\/\d+\n$/)
    const killed = await fleet.run('exec', 'plant-2:aim', '--', 'sh', '-c', 'kill -9 $$')
    assert.equal(killed.code, 137)
    assert.deepEqual(await fleet.json('locks'), [])
  }
)

test(
  'a command that is not there ends with 127, one that cannot be run with 126, by name, and the lock is free',
  needs,
  async (t) => {
    const fleet = await startFleet(t)
    const missing = await fleet.run('exec', 'plant-2:aim', '--', '/nonexistent', 'x')
    assert.equal(missing.code, 127)
    assert.match(missing.stderr, /^LK-6007 .*\/nonexistent was not found. Check its name, PATH/)
    const folder = await fleet.run('exec', 'plant-2:aim', '--', fleet.folder)
    assert.equal(folder.code, 126)
    assert.ok(folder.stderr.includes(`${fleet.folder}: permission denied`), folder.stderr)
    assert.match(folder.stderr, /^LK-6008 .*chmod \+x/)
    assert.deepEqual(await fleet.json('locks'), [])
  }
)

test('Ctrl-C and SIGTERM reach the command, and the lock is released when it has ended', needs, async (t) => {
  const fleet = await startFleet(t)
  const { exec, group } = await startCommand(t, fleet)
  exec.signal('SIGTERM')
  assert.equal((await exec.exited()).code, 128 + 15)
  assert.deepEqual(membersOfGroup(group), [])
  const handled = await startCommand(t, fleet, 'trap "exit 3" INT; while :; do sleep 0.05; done')
  handled.exec.signal('SIGINT')
  assert.equal((await handled.exec.exited()).code, 3)
  assert.deepEqual(await fleet.json('locks'), [])
})

test(
  'exec that is stopped longer than its lease has its command stopped meanwhile, and ends with 124 when it wakes',
  needs,
  async (t) => {
    const fleet = await startFleet(t)
    const { exec, group } = await startCommand(t, fleet, 'sleep 600 & wait')
    exec.signal('SIGSTOP')
    const next = fleet.start('lock', '*:aim', '--as', 'bob')
    await grantOf(next)
    await waitFor('the end of the command', () => membersOfGroup(group).length === 0)
    exec.signal('SIGCONT')
    assert.equal((await exec.exited()).code, 124)
    assert.match(exec.stderr, /LK-1016 The lease is lost/)
    const [listed] = await fleet.json<ListedLock[]>('locks')
    assert.equal(listed?.owner?.name, 'bob')
  }
)

test(
  'exec killed with -9 takes its command along before the lease has run out, one that ignores SIGTERM too, and nothing stays',
  needs,
  async (t) => {
    const fleet = await startFleet(t, { ttl: '15s' })
    const { exec, group } = await startCommand(t, fleet, 'trap "" TERM; while :; do sleep 0.05; done')
    const [keeper = 0] = childrenOf(exec.pid)
    assert.deepEqual(membersOfGroup(keeper), [keeper])
    exec.signal('SIGKILL')
    await waitFor('the end of the command', () => membersOfGroup(group).length === 0)
    const [listed] = await fleet.json<ListedLock[]>('locks')
    assert.equal(listed?.state, 'held')
    await waitFor('the end of its keeper', () => membersOfGroup(keeper).length === 0)
  }
)

test(
  'a command whose keeper was killed is stopped, and exec says so and releases the lock',
  needs,
  async (t) => {
    const fleet = await startFleet(t)
    const { exec, group } = await startCommand(t, fleet, 'sleep 600 & wait')
    const [keeper = 0] = childrenOf(exec.pid)
    await killGroup(keeper)
    assert.equal((await exec.exited()).code, 1)
    assert.match(exec.stderr, /^LK-9001 .*watch over the command was killed/)
    await waitFor('the end of the command', () => membersOfGroup(group).length === 0)
    assert.deepEqual(await fleet.json('locks'), [])
  }
)

test('a command whose keeper is stopped is ended all the same when its lock is cleared', needs, async (t) => {
  const fleet = await startFleet(t)
  const { exec, group } = await startCommand(t, fleet, 'sleep 600 & wait')
  const [keeper = 0] = childrenOf(exec.pid)
  t.after(() => killGroup(keeper))
  process.kill(keeper, 'SIGSTOP')
  assert.equal((await fleet.run('unlock', '*:aim', '--reason', 'needed', '--yes')).code, 0)
  assert.equal((await exec.exited()).code, 124)
  assert.match(exec.stderr, /LK-1016 .*cleared/)
  await waitFor('the end of the command', () => membersOfGroup(group).length === 0)
  assert.deepEqual(membersOfGroup(keeper), [])
})

test('a command that ignores SIGTERM is killed when its lock is cleared', needs, async (t) => {
  const fleet = await startFleet(t)
  const { exec, group } = await startCommand(t, fleet, 'trap "" TERM; while :; do sleep 0.05; done')
  const cleared = await fleet.run('unlock', '*:aim', '--reason', 'needed', '--yes')
  assert.equal(cleared.code, 0)
  assert.equal((await exec.exited()).code, 124)
  assert.deepEqual(membersOfGroup(group), [])
})

test('exec stops the command when --for has passed', needs, async (t) => {
  const fleet = await startFleet(t)
  const ended = await fleet.run('exec', '*:aim', '--for', '300ms', '--', 'sleep', '600')
  assert.equal(ended.code, 124)
  assert.match(ended.stderr, /--for has passed/)
})
