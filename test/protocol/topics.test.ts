import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Topic, topicsOf } from '../../src/protocol/topics.ts'
import { propertyOf } from '../support/property.ts'

const topics = topicsOf('default')

const name = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,8}$/)
const scope = fc.oneof(
  fc.constant('*'),
  fc.array(name, { minLength: 1, maxLength: 8 }).map((segments) => segments.join('/'))
)

test('every topic that is built is read back as what it was built from', () => {
  propertyOf(
    'topics: round trip',
    fc.property(name, name, scope, (one, other, where) => {
      const pairs: [string, Topic][] = [
        [topics.request(one), { kind: 'request', principal: one }],
        [topics.reply(one), { kind: 'reply', principal: one }],
        [topics.agent(one), { kind: 'agent', device: one }],
        [topics.update(one, other), { kind: 'update', device: one, resource: other }],
        [topics.lock(`${where}:${other}`), { kind: 'lock', lock: `${where}:${other}` }],
        [topics.sentinel(one), { kind: 'sentinel', nonce: one }],
        [topics.status, { kind: 'status' }],
        [topics.audit, { kind: 'audit' }]
      ]
      for (const [topic, meaning] of pairs) {
        assert.deepEqual(topics.parse(topic), meaning)
        assert.ok(!/[+#]/.test(topic))
      }
    })
  )
})

test('topics of others are none of ours', () => {
  const foreign = [
    '',
    'locksmith',
    'locksmith/1/default',
    'locksmith/1/default/',
    'locksmith/1/other/req/arm-7',
    'locksmith/2/default/req/arm-7',
    'locksmith/1/default2/req/arm-7',
    'locksmith/1/default/req',
    'locksmith/1/default/req/',
    'locksmith/1/default/req/a/b',
    'locksmith/1/default/req/UPPER',
    'locksmith/1/default/req/__proto__',
    'locksmith/1/default/lock/*',
    'locksmith/1/default/lock/*/aim/x',
    'locksmith/1/default/lock/a~~b/aim',
    'locksmith/1/default/lock/~a/aim',
    'locksmith/1/default/lock/a~*/aim',
    'locksmith/1/default/update/a',
    'locksmith/1/default/status/x',
    'locksmith/1/default/status/sentinel',
    'locksmith/1/default/status/sentinel/a/b',
    'locksmith/1/default/audit/x',
    'locksmith/1/default/agent/a/b',
    'locksmith/1/default/nonsense/a',
    '$SYS/broker/uptime'
  ]
  for (const topic of foreign) assert.equal(topics.parse(topic), undefined, topic)
})

test('any topic at all is read or is none of ours, never a throw', () => {
  const level = fc.oneof(
    name,
    fc.string({ maxLength: 5 }),
    fc.constantFrom('req', 'lock', 'status', 'sentinel', '~', '*')
  )
  propertyOf(
    'topics: anything',
    fc.property(fc.array(level, { maxLength: 5 }), (levels) => {
      topics.parse(`locksmith/1/default/${levels.join('/')}`)
      topics.parse(levels.join('/'))
    })
  )
})

test('a device listens to the locks of each scope above it, and to no other', () => {
  assert.deepEqual(topics.locksAbove('plant-2/line-4/arm-7'), [
    'locksmith/1/default/lock/*/+',
    'locksmith/1/default/lock/plant-2/+',
    'locksmith/1/default/lock/plant-2~line-4/+',
    'locksmith/1/default/lock/plant-2~line-4~arm-7/+'
  ])
})

test('a fleet name that could reach into another fleet is refused', () => {
  for (const bad of ['', '+', '#', 'a/b', 'A', '../x', 'a b'])
    assert.throws(() => topicsOf(bad), /not a fleet name/)
})
