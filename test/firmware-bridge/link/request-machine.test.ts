import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../../firmware-bridge/link/frame.ts'
import { requestTypes } from '../../../firmware-bridge/link/messages.ts'
import { type Input, type State, start, step } from '../../../firmware-bridge/link/request-machine.ts'

const commit = { type: requestTypes.commit, link: 7, payload: new Uint8Array(9) }
const answer = (of: Frame, change: Partial<Frame> = {}): Frame => ({
  type: of.type | 0x80,
  seq: of.seq,
  link: of.link,
  payload: new Uint8Array(5),
  ...change
})
const refusal = (of: Frame, reason: number, change: Partial<Frame> = {}): Frame =>
  answer(of, { type: 0xff, payload: Uint8Array.of(of.type, reason), ...change })

/** The effects of the last input, as short words. */
function run(...inputs: Input[]): string[] {
  let state: State = start
  let said: string[] = []
  for (const input of inputs) {
    const [next, effects] = step(state, input)
    state = next
    said = effects.map((it) => (it.name === 'send' ? `send ${it.frame.seq}` : it.name))
  }
  return said
}

const ask: Input = { name: 'ask', request: commit }
const timeout: Input = { name: 'timeout' }
const first: Frame = { ...commit, seq: 1 }
const hear = (frame: Frame): Input => ({ name: 'frame', frame })

test('a request is repeated with the same seq six times, then the line is silent', () => {
  assert.deepEqual(run(ask), ['send 1'])
  for (let repeats = 1; repeats <= 6; repeats++) {
    assert.deepEqual(run(ask, ...Array<Input>(repeats).fill(timeout)), ['send 1'])
  }
  assert.deepEqual(run(ask, ...Array<Input>(7).fill(timeout)), ['silent'])
  assert.deepEqual(run(ask, ...Array<Input>(8).fill(timeout)), [])
})

test('repeats come ever more seldom: a line is silent after 2.7 s, and no gap is longer than half a second', () => {
  let [state, effects] = step(start, ask)
  const waits: number[] = []
  for (let sent = effects[0]; sent?.name === 'send'; sent = effects[0]) {
    waits.push(sent.waitMs)
    ;[state, effects] = step(state, timeout)
  }
  assert.deepEqual(effects, [{ name: 'silent' }])
  assert.deepEqual(waits, [100, 200, 400, 500, 500, 500, 500])
})

test('the next request begins with the short wait again, however long the last one took', () => {
  let [state] = step(start, ask)
  for (let repeats = 0; repeats < 6; repeats++) [state] = step(state, timeout)
  ;[state] = step(state, hear(answer(first)))
  const [, effects] = step(state, ask)
  assert.equal(effects[0]?.name === 'send' && effects[0].waitMs, 100)
})

test('seq goes from 1 to 255 and begins again at 1', () => {
  let state: State = start
  const seqs: number[] = []
  for (let n = 0; n < 257; n++) {
    const [asked] = step(state, ask)
    seqs.push(asked.lastSeq)
    state = step(asked, { name: 'lost' })[0]
  }
  assert.deepEqual([seqs[0], seqs[254], seqs[255], seqs[256]], [1, 255, 1, 2])
})

test('only the answer of that seq, type, link and form settles a request', () => {
  assert.deepEqual(run(ask, hear(answer(first))), ['answered'])
  for (const change of [{ seq: 2 }, { type: 0x86 }, { link: 8 }, { payload: new Uint8Array(4) }]) {
    assert.deepEqual(run(ask, hear(answer(first, change))), ['unasked'])
  }
})

test('an answer that comes a second time settles nothing', () => {
  assert.deepEqual(run(ask, hear(answer(first)), hear(answer(first))), ['unasked'])
  assert.deepEqual(run(ask, hear(answer(first)), ask, hear(answer(first))), ['unasked'])
})

test('a refusal of another link is believed only when it says old-link', () => {
  assert.deepEqual(run(ask, hear(refusal(first, 5))), ['refused'])
  assert.deepEqual(run(ask, hear(refusal(first, 2, { link: 8 }))), ['refused'])
  assert.deepEqual(run(ask, hear(refusal(first, 5, { link: 8 }))), ['unasked'])
  assert.deepEqual(run(ask, hear(refusal({ ...first, type: 9 }, 5))), ['unasked'])
})

test('hello is answered by its nonce and a new link, pause by any link', () => {
  const nonce = Uint8Array.of(1, 9, 8, 7, 6, 0, 0, 0)
  const hello = { type: requestTypes.hello, link: 0, payload: nonce, seq: 1 }
  const payload = new Uint8Array(16)
  payload.set(nonce.subarray(0, 5))
  const asked: Input = { name: 'ask', request: hello }
  assert.deepEqual(run(asked, hear(answer(hello, { link: 0x10001, payload }))), ['answered'])
  const other = payload.slice()
  other[4] = 5
  assert.deepEqual(run(asked, hear(answer(hello, { link: 0x10001, payload: other }))), ['unasked'])
  const pause = { type: requestTypes.pause, link: 7, payload: Uint8Array.of(1), seq: 1 }
  const paused = answer(pause, { link: 9, payload: new Uint8Array(9) })
  assert.deepEqual(run({ name: 'ask', request: pause }, hear(paused)), ['answered'])
})

test('a lost line settles what is under way, and asking twice at once is a mistake', () => {
  assert.deepEqual(run(ask, { name: 'lost' }), ['lost'])
  assert.deepEqual(run({ name: 'lost' }), [])
  assert.throws(() => run(ask, ask), /under way/)
})
