import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  covers,
  deviceName,
  isDevicePath,
  isName,
  lockName,
  overlap,
  parseLock,
  ScopeSet,
  scopesAbove
} from '../../src/rules/scope.ts'
import { propertyOf } from '../support/property.ts'

const segment = fc.constantFrom('a', 'b', 'a-1', 'line.4')
const scope = fc.oneof(
  { weight: 1, arbitrary: fc.constant('*') },
  { weight: 5, arbitrary: fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')) }
)

test('a name is 1 to 63 characters of a-z, 0-9, dot, underscore and dash, and begins with a letter or digit', () => {
  for (const good of ['a', '7', 'arm-7', 'line_4', 'v1.2', 'a'.repeat(63)]) assert.ok(isName(good), good)
  for (const bad of ['', '-a', '.a', '_a', 'A', 'a b', 'a/b', 'ä', '__proto__', 'a'.repeat(64), 'a\n'])
    assert.ok(!isName(bad), bad)
})

test('a device path has at most eight segments', () => {
  assert.ok(isDevicePath('a/b/c/d/e/f/g/h'))
  assert.ok(!isDevicePath('a/b/c/d/e/f/g/h/i'))
  for (const bad of ['', '/a', 'a/', 'a//b', '*', 'a/*', '../a', 'a~b', 'a+b', '#'])
    assert.ok(!isDevicePath(bad), bad)
})

test('a lock name is taken apart at its only colon, or is none', () => {
  assert.deepEqual(parseLock('plant-2/line-4:aim'), { scope: 'plant-2/line-4', resource: 'aim' })
  assert.deepEqual(parseLock('*:aim'), { scope: '*', resource: 'aim' })
  for (const bad of ['', ':', 'aim', '*:', ':aim', '*:a:b', '**:aim', 'a/*:aim', '*:AIM', 'a:*'])
    assert.equal(parseLock(bad), undefined, bad)
})

test('a device is named by its last segment', () => {
  assert.equal(deviceName('plant-2/line-4/arm-7'), 'arm-7')
  assert.equal(deviceName('node-7'), 'node-7')
})

test('a scope covers itself and what lies below it, not what merely begins with the same letters', () => {
  assert.ok(covers('plant-2', 'plant-2/line-4'))
  assert.ok(!covers('plant-2', 'plant-20'))
  assert.ok(!covers('plant-2/line-4', 'plant-2'))
  assert.ok(covers('*', 'plant-2'))
  assert.ok(!covers('plant-2', '*'))
})

test('lock names survive being taken apart and put together', () => {
  propertyOf(
    'scope: lock names',
    fc.property(scope, segment, (where, what) => {
      const name = lockName({ scope: where, resource: what })
      const parsed = parseLock(name)
      assert.ok(parsed)
      assert.equal(lockName(parsed), name)
    })
  )
})

test('every scope above covers, and nothing else does', () => {
  propertyOf(
    'scope: above',
    fc.property(scope, scope, (outer, inner) => {
      assert.equal(covers(outer, inner), scopesAbove(inner).includes(outer))
    })
  )
})

test('a set of scopes answers as looking at each of its members would', () => {
  propertyOf(
    'scope: set',
    fc.property(fc.array(scope, { maxLength: 8 }), scope, (members, asked) => {
      const set = new ScopeSet()
      for (const member of members) set.add(member)
      assert.equal(
        set.overlaps(asked),
        members.some((member) => overlap(member, asked))
      )
    })
  )
})
