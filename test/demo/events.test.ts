import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventOf } from '../../src/demo/events.ts'

const at = new Date('2026-11-24T03:12:00Z')
const logged = (json: Record<string, unknown>) =>
  eventOf({ from: 'locksmith', stream: 'stdout', text: JSON.stringify(json), json }, at)

test('a log line is told by its message, with the lock and the owner that it does not name itself', () => {
  const owner = { name: 'node-7', session: 1, boot: 'b' }
  const event = logged({ level: 'warn', event: 'reclaimed', lock: '*:aim', owner, msg: 'reclaimed' })
  assert.deepEqual(event, {
    at: '03:12:00',
    from: 'locksmith',
    text: 'reclaimed *:aim of node-7',
    hot: false
  })
  const hot = logged({
    event: 'HOT',
    lock: '*:aim',
    owner,
    msg: 'HOT *:aim is wanted by op and held by node-7'
  })
  assert.deepEqual(hot, {
    at: '03:12:00',
    from: 'locksmith',
    text: 'HOT *:aim is wanted by op and held by node-7',
    hot: true
  })
  assert.equal(logged({ event: 'hello', name: 'arm-1', msg: 'hello' })?.text, 'hello arm-1')
})

test('single steps of a change and debug lines are left out; a line that is no JSON is shown as it is', () => {
  assert.equal(logged({ event: 'step', msg: 'stage' }), undefined)
  assert.equal(logged({ event: 'renewed', level: 'debug', msg: 'renewed' }), undefined)
  const line = { from: 'arm-1', stream: 'stderr', text: 'out of memory', json: undefined } as const
  assert.deepEqual(eventOf(line, at), { at: '03:12:00', from: 'arm-1', text: 'out of memory', hot: false })
})
