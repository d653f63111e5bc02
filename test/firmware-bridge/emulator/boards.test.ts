import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { killGroup, startNode } from '../../support/processes.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { waitFor } from '../../support/wait.ts'
import { openClient } from './client.ts'
import { named, sampleBytes, startEchoBoards } from './echo-boards.ts'

test('eight boards run at once and each returns its bytes unharmed', async (t) => {
  const running = await startEchoBoards(t, named(temporaryFolder(t), 8))
  const clients = await Promise.all(running.boards.map(({ path }) => openClient(t, path)))
  await Promise.all(
    clients.map(async (client, index) => {
      const bytes = sampleBytes(10_000, index + 1)
      assert.deepEqual(await client.exchange(bytes), bytes)
    })
  )
})

test('a second program that opens the port is refused with words', async (t) => {
  const running = await startEchoBoards(t, named(temporaryFolder(t), 1))
  const path = running.boards[0]?.path ?? ''
  await openClient(t, path)
  await assert.rejects(openClient(t, path), /cannot lock port/i)
})

test('a port can be closed and opened again while the chip runs on', async (t) => {
  const running = await startEchoBoards(t, named(temporaryFolder(t), 1))
  const path = running.boards[0]?.path ?? ''
  for (const round of [1, 2, 3]) {
    const client = await openClient(t, path)
    const bytes = sampleBytes(100, round)
    assert.deepEqual(await client.exchange(bytes), bytes)
    await client.close()
  }
})

test('serialport delivers in an otherwise idle process: 100 messages there and back', async (t) => {
  const running = await startEchoBoards(t, named(temporaryFolder(t), 1))
  const script = fileURLToPath(new URL('./idle-client.ts', import.meta.url))
  const client = startNode(t, [script, running.boards[0]?.path ?? ''])
  await client.line('all messages came back', ({ messages }) => messages === 100)
})

test('a reset starts the firmware anew and keeps the EEPROM', async (t) => {
  const running = await startEchoBoards(t, named(temporaryFolder(t), 1))
  const client = await openClient(t, running.boards[0]?.path ?? '')
  for (const boot of ['boot 1\n', 'boot 2\n']) {
    await running.reset('node-1')
    await waitFor(boot, () => client.heard.includes(boot))
  }
})

test('an EEPROM file outlives a kill of the emulator', async (t) => {
  const folder = temporaryFolder(t)
  const boards = named(folder, 1).map((board) => ({ ...board, eeprom: join(folder, 'eeprom') }))
  const bootsStored = (): number => readFileSync(join(folder, 'eeprom'))[0] ?? -1
  for (const boots of [0, 1, 2]) {
    const running = await startEchoBoards(t, boards)
    await waitFor(`boot ${boots} in the file`, () => bootsStored() === boots)
    await killGroup(running.pid)
  }
})

test('a client at the wrong speed hears garbage, and the right bytes once it has the right one', async (t) => {
  const running = await startEchoBoards(t, named(temporaryFolder(t), 1))
  const path = running.boards[0]?.path ?? ''
  const bytes = Buffer.from('a plain sentence')
  const wrong = await openClient(t, path, 57_600)
  assert.notDeepEqual(await wrong.exchange(bytes), bytes)
  await wrong.close()
  const right = await openClient(t, path)
  assert.deepEqual(await right.exchange(bytes), bytes)
})

test('a silenced board hears and says nothing until it is reconnected', async (t) => {
  const running = await startEchoBoards(t, named(temporaryFolder(t), 2))
  const [silenced, other] = await Promise.all(running.boards.map(({ path }) => openClient(t, path)))
  assert.ok(silenced && other)
  await running.silence('node-1', true)
  const before = silenced.heard.length
  silenced.write(Buffer.from('lost'))
  await other.exchange(sampleBytes(200))
  assert.equal(silenced.heard.length, before)
  await running.silence('node-1', false)
  assert.equal((await silenced.exchange(Buffer.from('heard'))).toString(), 'heard')
})

test('an unplugged device hangs up, and comes back at the same path', async (t) => {
  const running = await startEchoBoards(t, named(temporaryFolder(t), 1))
  const path = running.boards[0]?.path ?? ''
  const client = await openClient(t, path)
  await running.unplug('node-1')
  client.write(Buffer.from('into the void'))
  await waitFor('the port to close', () => !client.port.isOpen)
  await assert.rejects(openClient(t, path), /no such file/i)
  await running.replug('node-1')
  const again = await openClient(t, path)
  assert.equal((await again.exchange(Buffer.from('back'))).toString(), 'back')
})

test('a command for a board that does not exist is refused with words', async (t) => {
  const running = await startEchoBoards(t, named(temporaryFolder(t), 1))
  await assert.rejects(running.reset('node-9'), /no board called node-9/)
})
