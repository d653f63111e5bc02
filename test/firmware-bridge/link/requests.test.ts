import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../../firmware-bridge/link/frame.ts'
import { RequestLine } from '../../../firmware-bridge/link/requests.ts'
import { HandTimers, settle } from '../../support/hand-timers.ts'
import { ScriptedLine } from '../../support/scripted-line.ts'

function setUp() {
  const timers = new HandTimers()
  const line = new ScriptedLine()
  const counts = { framesSent: 0, framesReceived: 0, badFrames: 0, repeats: 0 }
  const strays: Frame[] = []
  const unasked = (frame: Frame) => strays.push(frame)
  const requests = new RequestLine({ line, timers, baudRate: 115_200, counts, unasked })
  const answer = (payload: Uint8Array, frame = line.last) =>
    line.says({ type: frame.type | 0x80, seq: frame.seq, link: frame.link, payload })
  return { timers, line, counts, strays, requests, answer }
}

const link = 0x10001

test('the first byte after opening is 0x00, so that what the controller holds of an older frame is ended', async () => {
  const { line, requests } = setUp()
  const opening = requests.open()
  line.opened()
  assert.equal(await opening, undefined)
  assert.deepEqual(line.written, [0])
})

test('what is asked before the line is open is lost at once, and never written', async () => {
  const { line, requests } = setUp()
  const asked = requests.ask('read', { resource: 0 }, { link })
  assert.equal((await asked).name, 'lost')
  void requests.open()
  line.opened()
  await settle()
  assert.deepEqual(line.written, [0])
})

test('requests wait for each other; an urgent one goes before those that wait', async () => {
  const { line, requests, answer } = setUp()
  void requests.open()
  line.opened()
  const read = requests.ask('discard', { resource: 0 }, { link })
  const confirm = requests.ask('confirm', { resource: 0, fence: 1 }, { link })
  const pause = requests.ask('pause', { why: 'lock' }, { link, urgent: true })
  assert.deepEqual(
    line.frames.map((it) => it.type),
    [0x0c]
  )
  answer(new Uint8Array())
  assert.deepEqual(
    line.frames.map((it) => it.type),
    [0x0c, 0x02]
  )
  answer(new Uint8Array(9))
  assert.deepEqual(
    line.frames.map((it) => it.type),
    [0x0c, 0x02, 0x07]
  )
  answer(Uint8Array.of(1))
  const outcomes = await Promise.all([read, confirm, pause])
  assert.deepEqual(
    outcomes.map((it) => it.name),
    ['answered', 'answered', 'answered']
  )
})

test('a request is repeated unchanged after 100 ms and the time on the wire, then ever more seldom, and is silent 2.7 s after the first sending', async () => {
  const { timers, line, counts, requests } = setUp()
  void requests.open()
  line.opened()
  const asked = requests.ask('status', {}, { link })
  await timers.advance(100)
  assert.equal(line.frames.length, 1)
  await timers.advance(20)
  assert.equal(line.frames.length, 2)
  const moments = [0]
  let outcome: unknown
  void asked.then((it) => {
    outcome = it
  })
  while (outcome === undefined && timers.now() < 10_000) {
    if (line.frames.length > moments.length) moments.push(timers.now())
    await timers.advance(1)
  }
  assert.deepEqual(outcome, { name: 'silent' })
  const gaps = [...moments.slice(1), timers.now()].map((ms, at) => ms - moments[at]!)
  const waits = [100, 200, 400, 500, 500, 500, 500]
  assert.ok(
    gaps.every((ms, at) => ms >= waits[at]! && ms <= waits[at]! + 30),
    `${gaps} against ${waits}`
  )
  for (const frame of line.frames) assert.deepEqual(frame, line.frames[0])
  assert.equal(line.frames.length, 7)
  assert.deepEqual({ ...counts }, { framesSent: 7, framesReceived: 0, badFrames: 0, repeats: 6 })
})

test('when the line breaks, what is under way and what waits are lost, with the reason', async () => {
  const { line, requests, timers } = setUp()
  void requests.open()
  line.opened()
  const both = [requests.ask('status', {}, { link }), requests.ask('read', { resource: 0 }, { link })]
  line.breaks('unplugged')
  assert.deepEqual(await Promise.all(both), [
    { name: 'lost', why: 'unplugged' },
    { name: 'lost', why: 'unplugged' }
  ])
  assert.equal(await requests.gone, 'unplugged')
  assert.equal(timers.pending, 0)
})

test('a port that never opens is given up after five seconds', async () => {
  const { requests, timers, line } = setUp()
  const opening = requests.open()
  await timers.advance(5_000)
  assert.match((await opening) ?? '', /did not open/)
  line.opened()
  assert.deepEqual(line.written, [])
})
