import assert from 'node:assert/strict'
import { connect, createServer } from 'node:net'
import { test } from 'node:test'
import { createEmbeddedBroker, PortUnavailable } from '../../src/platform/embedded-broker.ts'
import { freePort } from '../support/mosquitto.ts'
import { waitFor, within } from '../support/wait.ts'
import { listenTo } from './listener.ts'

test('a port in use is a typed error that says what to do', async (t) => {
  const other = createServer()
  const port = await freePort()
  await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve))
  t.after(() => void other.close())
  await assert.rejects(createEmbeddedBroker({ port }), (error: unknown) => {
    assert.ok(error instanceof PortUnavailable)
    assert.deepEqual([error.port, error.code], [port, 'EADDRINUSE'])
    return /in use.*Stop the program.*another port/.test(error.message)
  })
})

test('close ends every connection, also of clients that never spoke, and frees the port', async (t) => {
  const broker = await createEmbeddedBroker({ port: 0 })
  const ear = listenTo(t, broker.url)
  await ear.connectedTimes(1)
  const mute = connect({ port: broker.port, host: '127.0.0.1' })
  const ended: string[] = []
  mute.on('error', () => undefined).on('close', () => ended.push('mute'))
  await new Promise<void>((resolve) => mute.once('connect', resolve))
  await within('close', broker.close())
  await waitFor('the mute client to be cut off', () => ended.length === 1)
  await ear.events.next('loss', (event) => event.kind === 'disconnected')
  const again = await createEmbeddedBroker({ port: broker.port })
  t.after(() => again.close())
  await ear.connectedTimes(2)
})

test('retained messages have been delivered when a sentinel published after the subscription returns', async (t) => {
  const broker = await createEmbeddedBroker({ port: 0 })
  t.after(() => broker.close())
  const writer = listenTo(t, broker.url)
  await writer.connectedTimes(1)
  writer.connection.subscribe(['done'])
  for (let n = 0; n < 200; n += 1) writer.connection.publish(`lock/${n}`, `${n}`, { retain: true })
  writer.connection.publish('done', 'written')
  await writer.message('done', 'written')
  const reader = listenTo(t, broker.url)
  reader.connection.subscribe(['lock/+', 'sentinel'])
  await reader.connectedTimes(1)
  reader.connection.publish('sentinel', 'end')
  await reader.message('sentinel', 'end')
  const retained = reader.events.all.filter((event) => event.retain === true)
  assert.equal(retained.length, 200)
})
