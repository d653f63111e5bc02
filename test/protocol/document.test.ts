import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseDocument, parseToml } from '../../src/protocol/document.ts'
import { LocksmithError } from '../../src/protocol/errors.ts'
import { propertyOf } from '../support/property.ts'

const values = 'sensitivity = 0.65\ndeadband_deg = 0.4\nmax_slew_deg_s = 45.0\n'
const aim = `resource = "aim"\nversion = 17\n[values]\n${values}`

function refusalOf(text: string): { code: string; message: string } {
  try {
    parseDocument(text)
  } catch (error) {
    assert.ok(error instanceof LocksmithError, String(error))
    assert.ok(!error.message.includes('\n'), error.message)
    return { code: error.code, message: error.message }
  }
  return assert.fail(`accepted: ${text.slice(0, 80)}`)
}

test('a document is read with its resource, version and values', () => {
  assert.deepEqual(parseDocument(aim), {
    resource: 'aim',
    version: 17,
    values: { sensitivity: 0.65, deadband_deg: 0.4, max_slew_deg_s: 45 }
  })
})

test('one that does not parse names line and column', () => {
  for (const [text, place] of [
    ['resource = \n', /^line 1, column \d+: /],
    [`resource = "aim"\nversion = 17\n[values\n`, /^line 3, column \d+: /],
    ['resource = "aim"\nresource = "aim"\n', /^line 2, column \d+: /],
    ['\u0000', /^line 1, column \d+: /],
    ['a = [[[[', /^line 1, column \d+: /]
  ] as const) {
    const { code, message } = refusalOf(text)
    assert.equal(code, 'LK-3004')
    assert.match(message, place)
  }
})

test('one that breaks its schema names the key', () => {
  for (const [text, key] of [
    ['version = 17\n[values]\n', /^resource: /],
    [aim.replace('version = 17', 'version = 0'), /^version: /],
    [aim.replace('version = 17', 'version = 1.5'), /^version: /],
    [aim.replace('version = 17', 'version = 4294967296'), /^version: /],
    [aim.replace('version = 17', 'version = "17"'), /^version: /],
    [aim.replace('0.65', '1.01'), /^values\.sensitivity: /],
    [aim.replace('0.65', '-0.01'), /^values\.sensitivity: /],
    [aim.replace('0.65', 'nan'), /sensitivity: /],
    [aim.replace('0.65', 'inf'), /sensitivity: /],
    [aim.replace('0.65', '"high"'), /sensitivity: /],
    [aim.replace('deadband_deg = 0.4\n', ''), /^values\.deadband_deg: /],
    [`${aim}extra = 1\n`, /extra/],
    [`later = 1\n${aim}`, /later/],
    [`${aim}"__proto__" = 1\n`, /__proto__/],
    [`${aim}__proto__ = 1\n`, /__proto__/]
  ] as const) {
    const { code, message } = refusalOf(text)
    assert.equal(code, 'LK-3005', text)
    assert.match(message, key)
  }
})

test('an unknown resource is refused with those that are known', () => {
  for (const name of ['paint', 'constructor', 'tostring', 'hasownproperty']) {
    const { code, message } = refusalOf(aim.replace('"aim"', `"${name}"`))
    assert.equal(code, 'LK-3007')
    assert.match(message, /known are aim, safety/)
  }
})

test('one that is too long is refused before it is parsed', () => {
  const { code, message } = refusalOf(`${aim}# ${'ä'.repeat(33_000)}`)
  assert.equal(code, 'LK-3005')
  assert.match(message, /at most 65536/)
})

test('whatever text arrives, the answer is a document or a code, never anything else', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 200 }),
    fc
      .tuple(fc.nat(aim.length), fc.string({ maxLength: 6 }))
      .map(([at, put]) => aim.slice(0, at) + put + aim.slice(at)),
    fc.nat(aim.length).map((at) => aim.slice(0, at))
  )
  propertyOf(
    'document: any text',
    fc.property(text, (some) => {
      try {
        parseDocument(some)
      } catch (error) {
        assert.ok(error instanceof LocksmithError && /^LK-300[457]$/.test(error.code), String(error))
      }
    }),
    1000
  )
})

test('a configuration that does not parse says where, in the words of its caller', () => {
  assert.throws(
    () => parseToml('x =', 'LK-6004', 'agent.toml: '),
    (error: unknown) =>
      error instanceof LocksmithError &&
      error.code === 'LK-6004' &&
      /^agent\.toml: line 1, column/.test(error.message)
  )
})
