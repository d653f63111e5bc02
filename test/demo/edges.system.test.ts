import assert from 'node:assert/strict'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { FleetIndex } from '../../src/demo/index.ts'
import { runCli, startCli } from '../cli/program.ts'
import { membersOfGroup } from '../support/processes.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { awaitTrace } from '../support/trace-file.ts'
import { waitFor } from '../support/wait.ts'
import { allGone, livesOf, startDemo, startWithinMs, terminalMissing } from './demo-process.ts'

interface Refused {
  readonly error: { readonly code: string; readonly message: string; readonly hint: string }
}

/** A port of this test's own in which somebody listens. */
async function takenPort(t: TestContext): Promise<number> {
  const server = createServer()
  t.after(() => server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : assert.fail('no port')
}

test('a port that is in use ends the demo with LK-6005 and 78, and with nothing begun', async (t) => {
  const port = await takenPort(t)
  const demo = startDemo(t, { args: ['--json', '--port', String(port)] })
  assert.equal((await demo.process.exited()).code, 78)
  const { error } = JSON.parse(demo.process.stdout) as Refused
  assert.equal(error.code, 'LK-6005')
  assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port}: the port is in use`))
  assert.deepEqual(readdirSync(demo.temporary), [])
  assert.deepEqual(membersOfGroup(demo.process.pid), [])
})

test('a TMPDIR that is missing, no folder, or closed to everybody is told in a sentence', async (t) => {
  const folder = temporaryFolder(t)
  const file = join(folder, 'file')
  writeFileSync(file, '')
  const cases = [
    [join(folder, 'missing'), /ENOENT/],
    [file, /ENOTDIR/],
    // A folder of the kernel's: read-only even for root.
    ['/sys', /EPERM|EACCES|EROFS/]
  ] as const
  for (const [TMPDIR, why] of cases) {
    const demo = startDemo(t, { args: ['--json'], env: { TMPDIR } })
    assert.equal((await demo.process.exited()).code, 1)
    const { error } = JSON.parse(demo.process.stdout) as Refused
    assert.equal(error.code, 'LK-4005')
    assert.match(error.message, /could not make a folder .*\(TMPDIR\)/)
    assert.match(error.message, why)
  }
})

test('two demos side by side: one tells a script where it is, one shows people a picture, and both stay', async (t) => {
  const script = startDemo(t, { args: ['--json'] })
  const people = startDemo(t)
  const told = (await script.process.line(
    'the demo is ready',
    (line) => typeof line.folder === 'string',
    startWithinMs
  )) as unknown as FleetIndex
  const index = await script.index()
  assert.deepEqual(told, index)
  const text = await waitFor(
    'a picture',
    () => people.process.stdout.includes('last events') && people.process.stdout,
    startWithinMs
  )
  const other = await people.index()
  assert.notEqual(told.broker, other.broker)
  assert.ok(text.includes(`export LOCKSMITH_BROKER=${other.broker}`))
  for (const { device } of other.devices) assert.match(text, new RegExp(`${device} .*-?\\d+\\.\\d `))
  assert.ok(!text.includes('\x1b'), 'a control sequence where nobody has a terminal')
  assert.deepEqual(tooLong(text, 80), [])
  for (const demo of [script, people]) assert.equal(demo.process.exit, undefined)
  const lives = livesOf(other)
  people.process.signal('SIGTERM')
  await allGone(lives, other)
  const status = await runCli(t, ['status', '--json'], { env: { LOCKSMITH_BROKER: told.broker } })
  const { devices } = JSON.parse(status.stdout) as { devices: { online: boolean }[] }
  assert.deepEqual(
    devices.map(({ online }) => online),
    told.devices.map(() => true)
  )
})

test('an agent that was killed is started again from another terminal, and is not ended with the demo', async (t) => {
  const demo = startDemo(t, { args: ['--json'] })
  const { broker, devices } = await demo.index()
  const node7 = devices.find(({ name }) => name === 'node-7') ?? assert.fail('no node-7')
  await awaitTrace(node7.trace, 'motion', { sinceMs: 0, wanted: (line) => line.moving })
  process.kill(node7.pid ?? assert.fail('node-7 does not run'), 'SIGKILL')
  await waitFor('demo.json to say that it is gone', () =>
    demo.readIndex()?.devices.some(({ name, pid }) => name === 'node-7' && pid === null)
  )
  const agent = startCli(t, ['agent', '--config', node7.config])
  await agent.line('contact', ({ event }) => event === 'contact')
  const sinceMs = Date.now()
  await awaitTrace(node7.trace, 'motion under the new agent', { sinceMs, wanted: (line) => line.moving })
  await waitFor('node-7 to be online and the demo to have seen it', async () => {
    const status = await runCli(t, ['status', '--json'], { env: { LOCKSMITH_BROKER: broker } })
    const seen = JSON.parse(status.stdout) as {
      devices: { device: string; online: boolean; state: string }[]
    }
    const row = seen.devices.find(({ device }) => device === node7.device)
    return row?.online === true && row.state === 'running'
  })
  demo.process.signal('SIGINT')
  assert.equal((await demo.process.exited()).code, 0)
  assert.match(demo.process.stderr, /Not the demo's, and left running: the agent of node-7/)
  assert.equal(agent.exit, undefined)
  assert.ok(existsSync(node7.config), 'the folder was removed under an agent that runs')
})

test('the live view fits a narrow terminal, and uses no colour when NO_COLOR is set', {
  skip: terminalMissing()
}, async (t) => {
  const demo = startDemo(t, { by: 'terminal', before: 'stty cols 60 rows 20' })
  await waitFor('a picture of eight running devices', () => lastFrame(demo.process.stdout, 8), startWithinMs)
  const begun = demo.process.stdout.indexOf('\x1b[H')
  const frames = demo.process.stdout.slice(begun).split('\x1b[H').slice(1, -1)
  assert.ok(frames.length > 0)
  for (const frame of frames) {
    const lines = plain(frame).split(/\r?\n/)
    assert.ok(lines.length <= 20, `${lines.length} lines`)
    assert.deepEqual(tooLong(plain(frame), 59), [])
    assert.ok(!frame.includes('\x1b[2J'), 'the screen is cleared between two pictures')
    assert.ok(!plain(frame).includes('\x1b'), 'a colour')
  }
})

const lastFrame = (text: string, running: number): boolean => {
  const frame = text.split('\x1b[H').at(-1) ?? ''
  return (frame.match(/ running /g) ?? []).length === running
}

/** Without the two sequences that a picture is drawn with. */
const plain = (frame: string): string => frame.replaceAll('\x1b[K', '').replaceAll('\x1b[J', '')

const tooLong = (text: string, columns: number): string[] =>
  text.split(/\r?\n/).filter((line) => [...line].length > columns)
