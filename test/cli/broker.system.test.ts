import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Message } from '../../src/platform/broker.ts'
import { connectBroker } from '../../src/platform/mqtt-connection.ts'
import { topicsOf } from '../../src/protocol/topics.ts'
import { mosquittoMissing } from '../support/mosquitto.ts'
import { waitFor } from '../support/wait.ts'
import { grantOf, type ListedLock, startFleet } from './program.ts'

const needs = { skip: mosquittoMissing() }

test('a broker that is killed and comes back within the lease costs nobody a lock', needs, async (t) => {
  const fleet = await startFleet(t, { ttl: '8s' })
  const holder = fleet.start('lock', '*:aim', '--as', 'alice')
  const { fence } = await grantOf(holder)
  await fleet.mosquitto.kill()
  await fleet.mosquitto.restart()
  const [listed] = await waitFor('Locksmith to answer', async () => {
    const locks = await fleet.json<ListedLock[]>('locks')
    return Array.isArray(locks) ? locks : undefined
  })
  assert.deepEqual([listed?.fence, listed?.state], [fence, 'held'])
  holder.signal('SIGINT')
  assert.equal((await holder.exited()).code, 0)
  const next = fleet.start('lock', '*:aim', '--as', 'bob')
  assert.ok((await grantOf(next)).fence > fence)
})

test(
  'an owner that is cut off from the broker stops by itself with 124 when its lease has run out',
  needs,
  async (t) => {
    const fleet = await startFleet(t)
    const holder = fleet.start('lock', '*:aim', '--json')
    await grantOf(holder)
    await fleet.mosquitto.kill()
    assert.equal((await holder.exited()).code, 124)
  }
)

test(
  'garbage on the request topics is logged a few times for each sender, and harms nobody',
  needs,
  async (t) => {
    const fleet = await startFleet(t)
    const topics = topicsOf('default')
    const answers: string[] = []
    const message = ({ payload }: Message) => void answers.push(Buffer.from(payload).toString())
    const mqtt = connectBroker(fleet.mosquitto.url)({ clientId: 'vandal' }, { message })
    t.after(() => mqtt.close())
    mqtt.subscribe([topics.reply('vandal')])
    await waitFor('the vandal to be connected', () => mqtt.connected)
    const deep = '['.repeat(50_000)
    const hello = { op: 'hello', id: 'x', kind: 'tool', boot: 'b', device: null, knownFence: 0 }
    const payloads = [
      '',
      'no json',
      '{}',
      '"text"',
      'null',
      deep,
      '{"__proto__":{"op":"hello"}}',
      JSON.stringify({ op: 'release', session: -1, seq: 0, request: 'x' }),
      JSON.stringify({ ...hello, kind: 'king' }),
      JSON.stringify({ ...hello, device: '../../etc/passwd' }),
      JSON.stringify({ ...hello, knownFence: 1e300 }),
      JSON.stringify({ op: 'unlock', id: 'x', lock: '*:aim', fence: 1, reason: '', graceMs: -1 }),
      'x'.repeat(300_000)
    ]
    for (const payload of payloads) {
      for (const topic of [
        topics.request('vandal'),
        topics.request('constructor'),
        topics.request('__proto__')
      ])
        assert.ok(mqtt.publish(topic, payload))
    }
    // Messages of one connection stay in order: who is answered now was heard after all of it.
    const query = JSON.stringify({ op: 'query', id: 'after-it', what: 'locks' })
    await waitFor('an answer after all of it', () => {
      mqtt.publish(topics.request('vandal'), query)
      return answers.some((answer) => answer.includes('after-it'))
    })
    const saidOfVandal = () =>
      fleet.serve.lines.filter(({ event, from }) => event === 'bad-request' && from === 'vandal').length
    await waitFor('its lines', () => saidOfVandal() >= 5)
    assert.equal(saidOfVandal(), 5)
    assert.equal(fleet.serve.exit, undefined)
    const lock = await fleet.run('lock', '*:aim', '--no-wait', '--for', '1ms')
    assert.equal(lock.code, 0, lock.stderr)
  }
)

test(
  'without Locksmith, but with a broker, a verb ends with 69 and says which of the two is missing',
  needs,
  async (t) => {
    const fleet = await startFleet(t)
    await fleet.serve.kill()
    const ended = await fleet.run('locks', '--timeout', '500ms', '--json')
    assert.equal(ended.code, 69)
    assert.match(ended.stdout, /"code":"LK-6002"/)
  }
)
