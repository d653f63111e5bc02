import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AgentProcess, agentsGone, pictureOf, type Scene } from '../../src/demo/scene.ts'
import type { Answer, WatchedDevice, WatchedLock } from '../../src/demo/watch.ts'

const agent = (more: Partial<AgentProcess> = {}): AgentProcess => ({
  device: 'lab/rack-1/node-7',
  config: '/tmp/demo/node-7/agent.toml',
  pid: 1234,
  running: true,
  stopped: false,
  endedAtMs: undefined,
  axis: { position: 1, moving: true },
  ...more
})

const row = (more: Partial<WatchedDevice> = {}): WatchedDevice => ({
  device: 'lab/rack-1/node-7',
  state: 'running',
  online: true,
  lastHeardMs: 1000,
  holds: [{ kind: 'lock', owner: 'op', lock: '*:aim' }],
  ...more
})

const held: WatchedLock = {
  lock: '*:aim',
  state: 'held',
  fence: 7,
  owner: { name: 'node-7' },
  phase: null,
  reason: 'a new camera',
  heldMs: 5000,
  leaseLeftMs: 1500,
  waiters: [{ name: 'op', waitedMs: 100 }],
  freedBy: { what: 'its lease', inMs: 11_500 }
}

const answer = (more: Partial<Answer> = {}): Answer => ({
  atMs: 100_000,
  devices: [row()],
  locks: [],
  ...more
})

const scene = (more: Partial<Scene> = {}): Scene => ({
  nowMs: 100_000,
  broker: 'mqtt://127.0.0.1:1',
  folder: '/tmp/demo',
  locksmith: { running: true, config: '/tmp/demo/locksmith.toml' },
  agents: [agent()],
  answer: answer(),
  events: [],
  ...more
})

test('ages grow and what is left shrinks between two answers of Locksmith', () => {
  const free: WatchedLock = { ...held, lock: 'lab:aim', state: 'free' }
  const { locks } = pictureOf(scene({ nowMs: 102_000, answer: answer({ locks: [held, free] }) }))
  assert.deepEqual(locks, [
    {
      lock: '*:aim',
      state: 'held',
      fence: 7,
      owner: 'node-7',
      doing: 'a new camera',
      heldMs: 7000,
      leaseLeftMs: 0,
      waiters: [{ name: 'op', waitedMs: 2100 }],
      freedBy: { what: 'its lease', inMs: 9500 }
    }
  ])
})

test('a killed agent is silent at once, although its lease runs on, and how to start it again is told', () => {
  const agents = [agent({ running: false, endedAtMs: 99_500 })]
  const { devices, trouble, node7 } = pictureOf(scene({ agents }))
  assert.equal(devices[0]?.state, 'silent')
  assert.equal(devices[0]?.silentMs, 1000)
  assert.deepEqual(trouble, [
    'Without an agent: node-7. Start it again:',
    '  npm run --silent locksmith -- agent --config \\',
    '/tmp/demo/node-7/agent.toml'
  ])
  assert.equal(node7, undefined)
})

test('an agent that was started elsewhere in its place is told as somebody else’s', () => {
  const agents = [agent({ running: false, endedAtMs: 90_000 })]
  assert.deepEqual(agentsGone(scene({ agents })), { gone: [], elsewhere: ['node-7'] })
  const { devices, trouble } = pictureOf(scene({ agents }))
  assert.equal(devices[0]?.state, 'running')
  assert.deepEqual(trouble, ["node-7 has an agent that is not the demo's: end it where it runs"])
})

test('states are told apart: starting, stopped by the kernel, silent, and what the agent says', () => {
  const stateOf = (more: Partial<Scene>): string | undefined => pictureOf(scene(more)).devices[0]?.state
  assert.equal(stateOf({ answer: undefined }), 'starting')
  assert.equal(stateOf({ agents: [agent({ stopped: true })] }), 'stopped')
  assert.equal(stateOf({ answer: answer({ devices: [row({ online: false })] }) }), 'silent')
  assert.equal(stateOf({ answer: answer({ devices: [row({ state: 'paused' })] }) }), 'paused')
})

test('a Locksmith that is silent or gone is told, with what to do', () => {
  assert.deepEqual(pictureOf(scene({ nowMs: 103_001 })).trouble, [
    'Locksmith does not answer; shown is what it said 3 s ago'
  ])
  const gone = { running: false, config: '/tmp/demo/locksmith.toml' }
  assert.deepEqual(pictureOf(scene({ nowMs: 110_000, locksmith: gone })).trouble, [
    'Locksmith ended; shown is what it said 10 s ago. Start it again:',
    '  npm run --silent locksmith -- serve --config \\',
    '/tmp/demo/locksmith.toml'
  ])
})
