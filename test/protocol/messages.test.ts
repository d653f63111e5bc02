import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  agentState,
  locksmithStatus,
  MAX_PAYLOAD_BYTES,
  parsePayload,
  record,
  reply,
  request,
  update
} from '../../src/protocol/messages.ts'
import { propertyOf } from '../support/property.ts'

const schemas = { request, reply, record, update, agentState, locksmithStatus }

const bytes = (text: string): Uint8Array => Buffer.from(text)

const hello = { op: 'hello', id: 'h', kind: 'tool', boot: 'b', device: null, knownFence: 0 }
const heartbeat = { op: 'heartbeat', session: 1, seq: 2, heard: 1, asks: [], knownFence: 0, standing: [] }
const ask = { request: 'r', locks: ['*:aim'], reason: '', waitedMs: 0 }

/** The one sentence that a payload is refused with. */
function problemOf(payload: Uint8Array | string, schema: keyof typeof schemas = 'request'): string {
  const parsed = parsePayload(
    schemas[schema] as typeof request,
    typeof payload === 'string' ? bytes(payload) : payload
  )
  assert.equal(parsed.ok, false)
  const { problem } = parsed as { problem: string }
  assert.ok(problem.length > 5 && problem.length < 400, problem)
  assert.ok(!problem.includes('\n'), problem)
  return problem
}

test('what is no JSON is refused in one sentence', () => {
  for (const text of [
    '',
    '{',
    'nope',
    '{"a":}',
    "{'a':1}",
    '\u0000',
    '[1,]',
    'NaN',
    '{"a":NaN}',
    '{"a":1}{"b":2}'
  ])
    assert.match(problemOf(text), /^not JSON: /)
})

test('what is not UTF-8 is refused in one sentence', () => {
  assert.match(problemOf(Uint8Array.of(0x22, 0xff, 0xfe, 0x22)), /^not JSON: /)
  assert.match(problemOf(Uint8Array.of(0xc0, 0x80)), /^not JSON: /)
})

test('what is nested deep is refused in one sentence, for every kind of message', () => {
  for (const deep of [
    '['.repeat(120_000),
    `${'['.repeat(60_000)}${']'.repeat(60_000)}`,
    '{"a":'.repeat(40_000)
  ])
    for (const schema of Object.keys(schemas)) problemOf(deep, schema as keyof typeof schemas)
})

test('what is larger than the limit is not even parsed', () => {
  const problem = problemOf(bytes(`"${'x'.repeat(MAX_PAYLOAD_BYTES)}"`))
  assert.match(problem, new RegExp(`^payload of ${MAX_PAYLOAD_BYTES + 2} bytes; at most`))
})

test('a document of 64 KiB fits into a push, escaped as badly as can be', () => {
  const document = '\u0001'.repeat(40_000)
  const push = {
    ...{
      op: 'push',
      id: 'p',
      session: 1,
      seq: 1,
      resource: 'aim',
      version: 1,
      document,
      digest: 'd'.repeat(64)
    },
    ...{ scope: '*', under: null, atOnce: 1 }
  }
  assert.ok(parsePayload(request, bytes(JSON.stringify(push))).ok)
  problemOf(JSON.stringify({ ...push, document: 'x'.repeat(64 * 1024 + 1) }))
})

test('wrong types name their place', () => {
  assert.match(problemOf(JSON.stringify({ ...heartbeat, seq: '2' })), /^seq: /)
  assert.match(problemOf(JSON.stringify({ ...heartbeat, seq: -1 })), /^seq: /)
  assert.match(problemOf(JSON.stringify({ ...heartbeat, seq: 1.5 })), /^seq: /)
  assert.match(problemOf(JSON.stringify({ ...heartbeat, knownFence: 2 ** 60 })), /^knownFence: /)
  assert.match(
    problemOf(JSON.stringify({ ...heartbeat, asks: [{ ...ask, locks: ['aim'] }] })),
    /^asks\.0\.locks\.0: not a lock/
  )
  assert.match(problemOf(JSON.stringify({ ...hello, device: '../etc' })), /^device: not a device path/)
  assert.match(problemOf(JSON.stringify({ ...hello, boot: '' })), /^boot: /)
})

test('an operation that nobody knows is refused', () => {
  for (const op of ['explode', '__proto__', 'constructor', 'toString', 7, null])
    assert.match(problemOf(JSON.stringify({ ...hello, op })), /^op: /)
})

test('what JSON cannot hold cannot pass: no infinity, no number that is not one', () => {
  problemOf('{"op":"unlock","id":"u","lock":"*:aim","fence":1,"reason":"r","graceMs":1e999}')
  problemOf('{"op":"heartbeat","session":1,"seq":1e999,"heard":1,"asks":[],"knownFence":0,"standing":[]}')
})

test('no payload reaches a prototype', () => {
  const before = JSON.stringify(Object.getOwnPropertyNames(Object.prototype))
  const hostile = [
    '{"__proto__":{"op":"hello"}}',
    '{"op":"hello","id":"h","kind":"tool","boot":"b","device":null,"knownFence":0,"__proto__":{"admin":true}}',
    '{"constructor":{"prototype":{"admin":true}}}'
  ]
  for (const text of hostile) {
    const parsed = parsePayload(request, bytes(text))
    assert.equal((parsed.ok ? (parsed.value as { admin?: boolean }) : {}).admin, undefined)
  }
  const floors =
    '{"op":"heartbeat","session":1,"seq":1,"leaseMs":1,"holding":[],"queued":[],"covering":[],"floors":{"__proto__":7},"term":1,"rev":1,"fenceHigh":1,"quietMs":0}'
  const parsed = parsePayload(reply, bytes(floors))
  if (parsed.ok && parsed.value.op === 'heartbeat')
    assert.equal(
      Object.hasOwn(parsed.value.floors, '__proto__') || Object.getPrototypeOf(parsed.value.floors) === 7,
      false
    )
  problemOf(floors.replace('__proto__', 'Aim'), 'reply')
  assert.equal(JSON.stringify(Object.getOwnPropertyNames(Object.prototype)), before)
})

test('fields that this version does not know are left out, not refused', () => {
  const parsed = parsePayload(request, bytes(JSON.stringify({ ...hello, later: 1 })))
  assert.ok(parsed.ok)
  assert.equal('later' in parsed.value, false)
})

test('whatever bytes arrive, the answer is a value or a sentence, never a throw', () => {
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json({ maxDepth: 6 }).map(bytes),
    fc
      .constantFrom(hello, heartbeat)
      .chain((base) =>
        fc
          .tuple(fc.constantFrom(...Object.keys(base), '__proto__'), fc.jsonValue())
          .map(([key, value]) => bytes(JSON.stringify({ ...base, [key]: value })))
      )
  )
  propertyOf(
    'messages: any bytes',
    fc.property(payload, fc.constantFrom(...Object.values(schemas)), (data, schema) => {
      const parsed = parsePayload(schema as typeof request, data)
      if (!parsed.ok) assert.ok(parsed.problem.length > 0 && !parsed.problem.includes('\n'), parsed.problem)
    }),
    1000
  )
})

test('what a principal says cannot steer the terminal on which an operator reads it, nor begin a line there', () => {
  const evil = '\u001b[2J\u001b]0;x\u0007free\r\nplant:aim is free\u2028\u202ea\u009b1m'
  const shown = '[2J ]0;x free  plant:aim is free  a 1m'
  const taken = (said: unknown, schema: keyof typeof schemas = 'request'): string => {
    const parsed = parsePayload(schemas[schema] as typeof request, bytes(JSON.stringify(said)))
    assert.ok(parsed.ok, parsed.ok ? '' : parsed.problem)
    return JSON.stringify(parsed.value)
  }
  const unlock = { op: 'unlock', id: 'u', lock: '*:aim', fence: 1, graceMs: 0 }
  for (const said of [
    { op: 'withdraw', id: 'w', push: 'p', reason: evil },
    { ...unlock, reason: evil },
    { ...heartbeat, asks: [{ ...ask, reason: evil, phase: evil }] },
    {
      op: 'outcome',
      session: 1,
      seq: 1,
      push: 'p',
      outcome: 'refused',
      code: null,
      detail: evil,
      version: null
    }
  ])
    assert.ok(taken(said).includes(` ${shown}`), taken(said))
  const hold = { id: evil, kind: 'lock', owner: evil, why: evil, sinceMs: 0, untilMs: null, waived: false }
  const state = { device: 'a/b', kind: evil, online: true, state: 'paused', holds: [hold], configs: {} }
  const told = taken({ ...state, controllers: [], session: 1, boot: 'b' }, 'agentState')
  assert.equal(told.split(shown).length, 5)
  problemOf(JSON.stringify({ ...unlock, reason: 'x', id: 'u\u001b[2J' }))
  problemOf(JSON.stringify({ op: 'withdraw', id: 'w', push: 'p\n', reason: 'x' }))
})
