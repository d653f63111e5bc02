import assert from 'node:assert/strict'
import { existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { writeAgentToml } from '../support/agent-toml.ts'
import { mosquittoMissing } from '../support/mosquitto.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { readTrace, type TraceLine } from '../support/trace-file.ts'
import { waitFor } from '../support/wait.ts'
import { runCli, startCli, startFleet, type TestFleet } from './program.ts'

const needs = { skip: mosquittoMissing() }

/** The last line of a board's trace. */
const traced = (file: string): TraceLine | undefined => readTrace(file).at(-1)

const agentFile = (folder: string, port: string, broker = 'mqtt://127.0.0.1:1'): string =>
  writeAgentToml({ folder, broker, port })

async function startBoard(t: TestContext, folder: string): Promise<{ port: string; trace: string }> {
  const [port, trace] = [join(folder, 'axis'), join(folder, 'axis.jsonl')]
  const board = startCli(t, ['board', '--link', port, '--trace', trace])
  await waitFor('the serial device', () => existsSync(port) && board.stdout.includes(port))
  return { port, trace }
}

interface Status {
  readonly devices: readonly {
    device: string
    online: boolean
    state: string
    configs: { aim?: { version: number } }
  }[]
}

const state = async (fleet: TestFleet): Promise<Status['devices'][number] | undefined> =>
  (await fleet.json<Status>('status')).devices[0]

test('board prints its serial device, traces its firmware, stands still at power-up, and leaves nothing behind', async (t) => {
  const folder = temporaryFolder(t)
  const trace = join(folder, 'axis.jsonl')
  const board = startCli(t, ['board', '--trace', trace, '--json'])
  const { path } = await board.line('its path', (line) => typeof line.path === 'string')
  assert.ok(lstatSync(String(path)).isSymbolicLink())
  const seen = await waitFor('the trace', () => traced(trace))
  assert.deepEqual([seen.paused, seen.moving], [true, false])
  board.signal('SIGINT')
  assert.equal((await board.exited()).code, 0)
  assert.ok(!existsSync(String(path)))
  const bad = await runCli(t, ['board', '--link', join(trace, 'axis'), '--json'])
  assert.equal(bad.code, 1)
  assert.match(bad.stdout, /"code":"LK-6006"/)
})

test(
  'the whole way: agent, lock, push and status on a real serial device, judged by the trace of the firmware',
  needs,
  async (t) => {
    const fleet = await startFleet(t)
    const { port, trace } = await startBoard(t, fleet.folder)
    const config = agentFile(fleet.folder, port)
    const agent = fleet.start('agent', '--config', config)
    await waitFor('the axis to patrol', () => traced(trace)?.moving)
    assert.deepEqual(
      [(await state(fleet))?.device, (await state(fleet))?.state],
      ['plant/line-1/arm-1', 'running']
    )
    assert.match((await fleet.run('status')).stdout, /plant\/line-1\/arm-1 +arm +running/)

    const lock = fleet.start('lock', 'plant:aim', '--wait-paused', '--as', 'operator')
    await lock.line('the grant, after standstill', (line) => typeof line.fence === 'number')
    assert.deepEqual([traced(trace)?.paused, traced(trace)?.moving], [true, false])
    assert.match((await fleet.run('why', 'arm-1')).stdout, /stands still:\n1\. lock plant:aim of operator/)
    lock.signal('SIGINT')
    await waitFor('the axis to patrol again', () => traced(trace)?.moving)

    const file = join(fleet.folder, 'aim.toml')
    writeFileSync(
      file,
      'resource = "aim"\nversion = 7\n[values]\nsensitivity = 0.25\ndeadband_deg = 0.5\nmax_slew_deg_s = 30\n'
    )
    const push = await fleet.run('push', file, '--to', 'arm-1', '--together')
    assert.equal(push.code, 0, push.stderr)
    await waitFor('the new value in the firmware', () => traced(trace)?.params['aim.sensitivity'] === 0.25)
    assert.match(
      readFileSync(join(fleet.folder, 'state/config/aim.toml'), 'utf8'),
      /^# last touched by \S+ at \S+Z, version 7, fence \d+\n/
    )
    agent.signal('SIGTERM')
    assert.equal((await agent.exited()).code, 0)
    await waitFor('the agent to be known as offline', async () => (await state(fleet))?.online === false)
  }
)

test('a second agent of a device ends with 78 and names the process that runs', needs, async (t) => {
  const folder = temporaryFolder(t)
  const config = agentFile(folder, join(folder, 'none'))
  const first = startCli(t, ['agent', '--config', config])
  await first.line('a sign of life', () => true)
  const second = await runCli(t, ['agent', '--config', config])
  assert.equal(second.code, 78)
  assert.match(second.stderr, new RegExp(`^LK-4004 .*process ${first.pid}\\.`))
})

test('an agent without broker and without serial port runs, says what it waits for, and ends when told', async (t) => {
  const folder = temporaryFolder(t)
  const agent = startCli(t, ['agent', '--config', agentFile(folder, join(folder, 'none'))])
  await agent.line('the missing controller', (line) => /none/.test(JSON.stringify(line)))
  assert.equal(agent.exit, undefined)
  agent.signal('SIGTERM')
  assert.equal((await agent.exited()).code, 0)
})

test('an agent ends with 78 when its configuration is bad, and with 2 when --halt-at names no step', async (t) => {
  const folder = temporaryFolder(t)
  const good = agentFile(folder, 'x')
  const bad = join(folder, 'bad.toml')
  const text = readFileSync(good, 'utf8')
  const cases = [
    [text.replace('kind =', 'kid = "x"\nkind ='), /LK-6004 .*kid/],
    [text.replace('"native"', '"telepathy"'), /LK-6004 .*telepathy.*native/],
    [text.replace('mqtt:', 'carrier-pigeon:'), /LK-6004 .*carrier-pigeon/],
    ['device = ', /LK-6004 .*line 1/]
  ] as const
  for (const [content, said] of cases) {
    writeFileSync(bad, content)
    const ended = await runCli(t, ['agent', '--config', bad])
    assert.equal(ended.code, 78, ended.stderr)
    assert.match(ended.stderr, said)
  }
  const nowhere = await runCli(t, ['agent', '--config', good, '--halt-at', 'lunch'])
  assert.equal(nowhere.code, 2)
  assert.match(nowhere.stderr, /steps are validate, acquire/)
})

test('--halt-at stops the agent itself once that step is in its journal', needs, async (t) => {
  const fleet = await startFleet(t)
  const { port, trace } = await startBoard(t, fleet.folder)
  const agent = fleet.start('agent', '--config', agentFile(fleet.folder, port), '--halt-at', 'stage')
  await waitFor('the axis to patrol', () => traced(trace)?.moving)
  const file = join(fleet.folder, 'aim.toml')
  writeFileSync(
    file,
    'resource = "aim"\nversion = 7\n[values]\nsensitivity = 0.25\ndeadband_deg = 0.5\nmax_slew_deg_s = 30\n'
  )
  fleet.start('push', file, '--to', 'arm-1')
  await waitFor('the agent to be stopped', () =>
    /\) T /.test(readFileSync(`/proc/${agent.pid}/stat`, 'utf8'))
  )
  assert.match(readFileSync(join(fleet.folder, 'state/journal.jsonl'), 'utf8'), /"step":"stage".*\n$/)
  assert.deepEqual([traced(trace)?.paused, traced(trace)?.moving], [true, false])
})
