import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { test } from 'node:test'
import { Aedes } from 'aedes'
import { createEmbeddedBroker } from '../../src/platform/embedded-broker.ts'
import { BrokerAddressError, connectBroker } from '../../src/platform/mqtt-connection.ts'
import { freePort, mosquittoMissing, startMosquitto } from '../support/mosquitto.ts'
import { startNode, startProcess } from '../support/processes.ts'
import { turn, waitFor, within } from '../support/wait.ts'
import { listenTo } from './listener.ts'

const strace = ['/usr/bin/strace', '/usr/local/bin/strace'].find((path) => existsSync(path))
const needsStrace = {
  skip: strace === undefined ? 'NOT TESTED: strace is missing. Install it: apt-get install strace' : false
}
const needsMosquitto = { skip: mosquittoMissing() }

test('on the embedded broker, which speaks 3.1.1 only, a connection comes up and messages go both ways', async (t) => {
  const broker = await createEmbeddedBroker({ port: 0 })
  t.after(() => broker.close())
  const { connection, events, ...ear } = listenTo(t, broker.url)
  connection.subscribe(['a/+'])
  await ear.connectedTimes(1)
  assert.equal(connection.publish('a/1', 'hello', { qos: 1 }), true)
  await ear.message('a/1', 'hello')
  assert.deepEqual(
    events.all.filter((event) => event.kind === 'disconnected'),
    []
  )
})

test(
  'on Mosquitto a retained message is marked as such, and a fresh one is not',
  needsMosquitto,
  async (t) => {
    const broker = await startMosquitto(t)
    const sender = listenTo(t, broker.url)
    await sender.connectedTimes(1)
    sender.connection.publish('kept', 'old', { retain: true, qos: 1 })
    const ear = listenTo(t, broker.url)
    ear.connection.subscribe(['kept'])
    assert.equal((await ear.message('kept', 'old')).retain, true)
    sender.connection.publish('kept', 'new', { retain: true, qos: 1 })
    assert.equal((await ear.message('kept', 'new')).retain, false)
  }
)

test(
  'MQTT 5 is spoken where the broker speaks it: a forbidden publication is reported',
  needsMosquitto,
  async (t) => {
    const broker = await startMosquitto(t, { acl: ['topic readwrite open/#'] })
    const ear = listenTo(t, broker.url)
    await ear.connectedTimes(1)
    ear.connection.publish('shut/1', 'x', { qos: 1 })
    const denied = await ear.events.next('denial', (event) => event.kind === 'denied')
    assert.equal(denied.topic, 'shut/1')
    assert.match(denied.text ?? '', /not authorized/i)
  }
)

test('a broker that cuts off an MQTT 5 CONNECT is spoken to in 3.1.1 at once, and again after its restart', async (t) => {
  const broker = await createEmbeddedBroker({ port: 0 })
  t.after(() => broker.close())
  const front = await cuttingOffVersion5(broker.port)
  t.after(() => front.close())
  const ear = listenTo(t, `mqtt://127.0.0.1:${front.port}`)
  await ear.connectedTimes(1)
  assert.deepEqual(front.versions, [5, 4])
  front.cut()
  await ear.connectedTimes(2)
  assert.deepEqual(front.versions, [5, 4, 4])
})

test('a broker that cuts off every version: the attempts go on, and the reason is told once', async (t) => {
  const attempts: number[] = []
  const server = createServer((socket) => {
    socket.once('data', (first) => {
      attempts.push(first[8] ?? 0)
      socket.destroy()
    })
  })
  const port = await listening(server)
  t.after(() => void server.close())
  const ear = listenTo(t, `mqtt://127.0.0.1:${port}`)
  await waitFor('six attempts', () => attempts.length >= 6)
  assert.deepEqual(attempts.slice(0, 6), [5, 4, 5, 4, 5, 4])
  assert.equal(ear.events.all.filter((event) => event.kind === 'disconnected').length, 1)
  assert.equal(ear.connection.connected, false)
})

test(
  'after kill -9 of the broker the connection returns by itself, with its subscriptions',
  needsMosquitto,
  async (t) => {
    const broker = await startMosquitto(t)
    const ear = listenTo(t, broker.url)
    ear.connection.subscribe(['a', 'b'])
    await ear.connectedTimes(1)
    await broker.kill()
    await ear.events.next('loss', (event) => event.kind === 'disconnected')
    assert.equal(ear.connection.connected, false)
    await broker.restart()
    await ear.connectedTimes(2)
    ear.connection.publish('b', 'again')
    await ear.message('b', 'again')
  }
)

test(
  'what is published while the broker is away is refused, and never sent later',
  needsMosquitto,
  async (t) => {
    const broker = await startMosquitto(t)
    const witness = listenTo(t, broker.url)
    const speaker = listenTo(t, broker.url)
    witness.connection.subscribe(['news'])
    await witness.connectedTimes(1)
    await speaker.connectedTimes(1)
    await broker.kill()
    await speaker.events.next('loss', (event) => event.kind === 'disconnected')
    assert.equal(speaker.connection.publish('news', 'stale 0'), false)
    assert.equal(speaker.connection.publish('news', 'stale 1', { qos: 1 }), false)
    await broker.restart()
    await Promise.all([witness.connectedTimes(2), speaker.connectedTimes(2)])
    await echoed(witness)
    speaker.connection.publish('news', 'fresh', { qos: 1 })
    await witness.message('news', 'fresh')
    assert.deepEqual(witness.heard('news'), ['fresh'])
  }
)

test(
  'what was sent at QoS 1 to a frozen broker and not acknowledged is not sent again',
  needsMosquitto,
  async (t) => {
    const broker = await startMosquitto(t)
    const speaker = listenTo(t, broker.url)
    await speaker.connectedTimes(1)
    broker.freeze()
    assert.equal(speaker.connection.publish('news', 'unacknowledged', { qos: 1 }), true)
    await broker.kill()
    await broker.restart()
    await speaker.connectedTimes(2)
    speaker.connection.subscribe(['news'])
    speaker.connection.publish('news', 'fresh', { qos: 1 })
    await speaker.message('news', 'fresh')
    assert.deepEqual(speaker.heard('news'), ['fresh'])
  }
)

test(
  'a broker that is stopped (SIGSTOP) is noticed, and used again when it is woken',
  needsMosquitto,
  async (t) => {
    const broker = await startMosquitto(t)
    const ear = listenTo(t, broker.url)
    ear.connection.subscribe(['a'])
    await ear.connectedTimes(1)
    broker.freeze()
    const loss = await ear.events.next('loss', (event) => event.kind === 'disconnected')
    assert.match(loss.text ?? '', /keepalive timeout/i)
    broker.thaw()
    await ear.connectedTimes(2)
    ear.connection.publish('a', 'awake')
    await ear.message('a', 'awake')
  }
)

test(
  'close ends in bounded time on a frozen broker, with acknowledgements outstanding',
  needsMosquitto,
  async (t) => {
    const broker = await startMosquitto(t)
    const ear = listenTo(t, broker.url, { mqtt: { keepaliveSeconds: 60 } })
    await ear.connectedTimes(1)
    broker.freeze()
    ear.connection.publish('a', 'never acknowledged', { qos: 1 })
    await within('close on a frozen broker', ear.connection.close())
    assert.equal(ear.connection.publish('a', 'too late'), false)
  }
)

test('close ends while a connection is only being attempted, and nothing is told afterwards', async (t) => {
  const silent = createServer()
  const sockets: Socket[] = []
  silent.on('connection', (socket) => sockets.push(socket))
  const port = await listening(silent)
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    silent.close()
  })
  const ear = listenTo(t, `mqtt://127.0.0.1:${port}`)
  await waitFor('an attempt', () => sockets.length > 0)
  await within('close during an attempt', ear.connection.close())
  await turn()
  assert.deepEqual(ear.events.all, [])
})

test(
  'a client that is stopped (SIGSTOP) until the broker drops it is back after SIGCONT',
  needsMosquitto,
  async (t) => {
    const broker = await startMosquitto(t)
    const watcher = listenTo(t, broker.url)
    watcher.connection.subscribe(['state'])
    await watcher.connectedTimes(1)
    const client = startNode(t, [new URL('./sleeper.ts', import.meta.url).pathname, broker.url])
    await client.line('first connection', (line) => line.connected === 1)
    client.signal('SIGSTOP')
    await watcher.message('state', 'gone')
    client.signal('SIGCONT')
    await client.line('second connection', (line) => line.connected === 2)
  }
)

test('Nagle is off on every connection, not on the first alone', needsStrace, async (t) => {
  const broker = await createEmbeddedBroker({ port: 0 })
  const sleeper = new URL('./sleeper.ts', import.meta.url).pathname
  const args = [
    '-f',
    '-qq',
    '-e',
    'trace=setsockopt',
    '-e',
    'signal=none',
    process.execPath,
    sleeper,
    broker.url
  ]
  const traced = startProcess(t, strace ?? '', args)
  await traced.line('first connection', (line) => line.connected === 1)
  await broker.close()
  const again = await createEmbeddedBroker({ port: broker.port })
  t.after(() => again.close())
  await traced.line('second connection', (line) => line.connected === 2)
  const told = traced.stderr.match(/TCP_NODELAY, \[1\]/g) ?? []
  // MQTT 5 first, then 3.1.1, then 3.1.1 again after the loss.
  assert.ok(told.length >= 3, `${told.length} of at least 3 sockets`)
})

test('the will is published when the process dies, and not when it closes', needsMosquitto, async (t) => {
  const broker = await startMosquitto(t)
  const watcher = listenTo(t, broker.url)
  watcher.connection.subscribe(['state', 'other'])
  await watcher.connectedTimes(1)
  const leaver = listenTo(t, broker.url, { will: { topic: 'other', payload: 'died', retain: false } })
  await leaver.connectedTimes(1)
  await leaver.connection.close()
  const client = startNode(t, [new URL('./sleeper.ts', import.meta.url).pathname, broker.url])
  await client.line('connection', (line) => line.connected === 1)
  await client.kill()
  await watcher.message('state', 'gone')
  assert.deepEqual(watcher.heard('other'), [])
})

test('a refused subscription is reported once; the connection and its other subscriptions stay', async (t) => {
  const aedes = await Aedes.createBroker({
    authorizeSubscribe: (_client, subscription, answer) =>
      answer(null, subscription.topic.startsWith('shut/') ? null : subscription)
  })
  const server = createServer((socket) => aedes.handle(socket))
  t.after(() => {
    aedes.close()
    server.close()
  })
  const ear = listenTo(t, `mqtt://127.0.0.1:${await listening(server)}`)
  ear.connection.subscribe(['open/a', 'shut/b', 'open/c'])
  await ear.connectedTimes(1)
  ear.connection.publish('open/c', 'heard')
  await ear.message('open/c', 'heard')
  const refused = await ear.events.next('refusal', (event) => event.kind === 'refused')
  assert.equal(refused.topic, 'shut/b')
  assert.deepEqual(
    ear.events.all.map((event) => event.kind).filter((kind) => kind !== 'message'),
    ['connected', 'refused']
  )
})

test('a message above 1 MiB is dropped, counted and told, and the connection stays', async (t) => {
  const broker = await createEmbeddedBroker({ port: 0 })
  t.after(() => broker.close())
  const ear = listenTo(t, broker.url)
  ear.connection.subscribe(['big'])
  await ear.connectedTimes(1)
  ear.connection.publish('big', 'x'.repeat(1024 * 1024 + 1))
  const told = await ear.events.next('the drop', (event) => event.kind === 'oversized')
  assert.deepEqual([told.topic, told.text], ['big', `${1024 * 1024 + 1} bytes`])
  assert.equal(ear.connection.oversized, 1)
  ear.connection.publish('big', 'small')
  await ear.message('big', 'small')
  assert.deepEqual(ear.heard('big'), ['small'])
})

test('nobody at the port: the reason says so in words', needsMosquitto, async (t) => {
  const port = await freePort()
  const ear = listenTo(t, `mqtt://127.0.0.1:${port}`)
  const told = await ear.events.next('reason', (event) => event.kind === 'disconnected')
  assert.match(told.text ?? '', new RegExp(`127.0.0.1:${port}: nobody listens there`))
})

test('a wrong password is told in words', needsMosquitto, async (t) => {
  const broker = await startMosquitto(t, { config: ['allow_anonymous false'] })
  const ear = listenTo(t, broker.url.replace('mqtt://', 'mqtt://somebody:wrong%20word@'))
  const told = await ear.events.next('reason', (event) => event.kind === 'disconnected')
  assert.match(told.text ?? '', /does not let this client in|refused the user name/)
})

test('a client that is evicted by another of its id is told what to look for', needsMosquitto, async (t) => {
  const broker = await startMosquitto(t)
  const first = listenTo(t, broker.url, { clientId: 'twin' })
  await first.connectedTimes(1)
  listenTo(t, broker.url, { clientId: 'twin' })
  const told = await first.events.next('eviction', (event) => event.kind === 'disconnected')
  assert.match(told.text ?? '', /use this client id|took over the client id/)
})

test('an address that cannot be used is refused at once, without repeating the password', () => {
  for (const bad of [
    '',
    'localhost',
    'http://h:1',
    'mqtt://',
    'mqtt://h:1/x',
    'mqtt://h:99999',
    'mqtt://a:%zz@h'
  ]) {
    assert.throws(() => connectBroker(bad), BrokerAddressError, bad)
  }
  assert.throws(
    () => connectBroker('mqtt://user:secret@h:1/x'),
    (error: Error) => !error.message.includes('secret') && /mqtt:\/\/127/.test(error.message)
  )
})

/** Publishes to itself and hears it: the broker has handled all subscriptions of this connection. */
async function echoed(ear: ReturnType<typeof listenTo>): Promise<void> {
  ear.connection.subscribe(['echo'])
  ear.connection.publish('echo', 'here')
  await ear.message('echo', 'here')
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

interface Front {
  readonly port: number
  readonly versions: readonly number[]
  cut(): void
  close(): void
}

/** Stands before a broker and behaves as RabbitMQ does: an MQTT 5 CONNECT is cut off without an answer. */
async function cuttingOffVersion5(behind: number): Promise<Front> {
  const versions: number[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('data', (first) => {
      const version = first[8] ?? 0
      versions.push(version)
      if (version === 5) return socket.destroy()
      const onward = connect({ port: behind, host: '127.0.0.1' })
      sockets.add(onward)
      onward.on('error', () => undefined)
      onward.write(first)
      return void socket.pipe(onward).pipe(socket)
    })
  })
  const port = await listening(server)
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }
  return {
    port,
    versions,
    cut,
    close: () => {
      cut()
      server.close()
    }
  }
}
