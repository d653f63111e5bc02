import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import type { FleetIndex } from '../../src/demo/index.ts'
import { awaitTrace } from '../support/trace-file.ts'
import { waitFor } from '../support/wait.ts'
import {
  allGone,
  type DemoOptions,
  livesOf,
  type StartedDemo,
  startDemo,
  terminalMissing
} from './demo-process.ts'

/** Starts a demo, waits for motion, stops three of its processes (SIGSTOP), ends it as told, and looks for what is left. */
async function endsWithoutTrace(
  t: TestContext,
  options: DemoOptions,
  end: (demo: StartedDemo, index: FleetIndex) => void
): Promise<StartedDemo> {
  const demo = startDemo(t, options)
  const index = await demo.index()
  const lives = livesOf(index)
  const arm = index.devices.find(({ name }) => name === 'arm-1') ?? assert.fail('no arm-1')
  await awaitTrace(arm.trace, 'motion', { sinceMs: 0, wanted: (line) => line.moving })
  for (const { pid } of [index.locksmith, index.boards, arm])
    process.kill(pid ?? assert.fail('not running'), 'SIGSTOP')
  end(demo, index)
  await allGone(lives, index)
  return demo
}

test('Ctrl-C leaves neither process nor folder behind, and is no failure', async (t) => {
  const started = await endsWithoutTrace(t, {}, (demo) => demo.process.signal('SIGINT'))
  const { process: demo } = started
  assert.equal((await demo.exited()).code, 0)
  assert.match(demo.stderr, /Stopped, and its folder is removed/)
  assert.deepEqual(readdirSync(started.temporary), [])
})

test('SIGTERM leaves no process behind; with --keep the folder stays and is named', async (t) => {
  const started = await endsWithoutTrace(t, { args: ['--keep'] }, (demo) => demo.process.signal('SIGTERM'))
  const { process: demo } = started
  assert.equal((await demo.exited()).code, 0)
  const [folder = ''] = readdirSync(started.temporary)
  assert.ok(demo.stderr.includes(`Logs and traces are in ${started.temporary}/${folder}`), demo.stderr)
})

test('a demo whose emulated controllers die ends with 1, and keeps and names its folder', async (t) => {
  const started = startDemo(t, { args: ['--json'] })
  const { boards, folder } = await started.index()
  process.kill(boards.pid, 'SIGKILL')
  assert.equal((await started.process.exited()).code, 1)
  assert.ok(started.process.stderr.includes(`Logs and traces are in ${folder}`), started.process.stderr)
  assert.ok(readdirSync(folder).includes('demo.json'))
})

test('Ctrl-C on npm start ends in order, although the terminal and npm both send it', async (t) => {
  const { process: npm } = await endsWithoutTrace(t, { by: 'npm' }, (started) => {
    process.kill(-started.process.pid, 'SIGINT')
  })
  assert.equal((await npm.exited()).code, 0)
  assert.match(npm.stderr, /Stopped, and its folder is removed/)
})

test('a closing terminal leaves no process behind', { skip: terminalMissing() }, async (t) => {
  await endsWithoutTrace(t, { by: 'terminal' }, (started) => started.process.signal('SIGKILL'))
})

test('a demo that is killed with -9 leaves no process behind', async (t) => {
  await endsWithoutTrace(t, {}, (_started, index) => process.kill(index.demo.pid, 'SIGKILL'))
})

test('an npm that is killed with -9 leaves no process behind', async (t) => {
  await endsWithoutTrace(t, { by: 'npm' }, (started) => started.process.signal('SIGKILL'))
})

test('an exception that nobody catches leaves no process behind', async (t) => {
  const plant = "process.on('SIGUSR2', () => { throw new Error('planted') })"
  const env = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(plant)}` }
  const { process: demo } = await endsWithoutTrace(t, { env }, (started) => started.process.signal('SIGUSR2'))
  assert.notEqual((await demo.exited()).code, 0)
  assert.match(demo.stderr, /planted/)
})

test('a Ctrl-C while the demo is still starting leaves no process behind', async (t) => {
  const demo = startDemo(t)
  const index = await waitFor('the first demo.json', () => demo.readIndex())
  demo.process.signal('SIGINT')
  await demo.process.exited()
  await allGone([], index)
})
