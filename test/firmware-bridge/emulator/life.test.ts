import assert from 'node:assert/strict'
import { lstatSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { killGroup, membersOfGroup, startNode } from '../../support/processes.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { waitFor, within } from '../../support/wait.ts'
import { echoHex, named, startEchoBoards } from './echo-boards.ts'

const exists = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined

async function startParent(t: TestContext, link: string) {
  const script = fileURLToPath(new URL('./parent.ts', import.meta.url))
  const parent = startNode(t, [script, link, echoHex])
  const { emulator } = await parent.line('boards are there', (line) => 'emulator' in line)
  assert.ok(typeof emulator === 'number')
  t.after(() => killGroup(emulator))
  return { parent, emulator }
}

for (const state of ['running', 'stopped'] as const) {
  test(`a parent killed with -9 leaves no process and no link behind, emulator ${state}`, async (t) => {
    const link = join(temporaryFolder(t), 'axis')
    const { parent, emulator } = await startParent(t, link)
    assert.ok(exists(link))
    if (state === 'stopped') process.kill(emulator, 'SIGSTOP')
    parent.signal('SIGKILL')
    await waitFor('the emulator to be gone', () => membersOfGroup(emulator).length === 0)
    assert.ok(!exists(link))
  })
}

test('stop ends the process and removes the links, also when it was stopped by a signal', async (t) => {
  const [board] = named(temporaryFolder(t), 1)
  assert.ok(board)
  const running = await startEchoBoards(t, [board])
  process.kill(running.pid, 'SIGSTOP')
  await running.stop()
  assert.deepEqual(membersOfGroup(running.pid), [])
  assert.ok(!exists(board.link))
  await running.stop()
})

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  test(`${signal} ends the process and removes the links`, async (t) => {
    const [board] = named(temporaryFolder(t), 1)
    assert.ok(board)
    const running = await startEchoBoards(t, [board])
    process.kill(running.pid, signal)
    assert.equal(await within('the end', running.ended), '')
    assert.ok(!exists(board.link))
  })
}

test('a command to a process that has died is rejected', async (t) => {
  const running = await startEchoBoards(t, named(temporaryFolder(t), 1))
  await killGroup(running.pid)
  await assert.rejects(running.reset('node-1'), /the process has ended/)
})

test('a stale link is replaced, another file at its place is kept and named', async (t) => {
  const [board] = named(temporaryFolder(t), 1)
  assert.ok(board)
  symlinkSync('/dev/pts/no-such-device', board.link)
  const running = await startEchoBoards(t, [board])
  assert.match(readlinkSync(board.link), /^\/dev\/pts\/\d+$/)
  await running.stop()
  writeFileSync(board.link, 'precious')
  await assert.rejects(startEchoBoards(t, [board]), /cannot put the device at .*: something else is there/)
  assert.ok(exists(board.link))
})

test('two boards of one name are refused, and nothing is left', async (t) => {
  const [board] = named(temporaryFolder(t), 1)
  assert.ok(board)
  await assert.rejects(startEchoBoards(t, [board, board]), /two boards are called node-1/)
  assert.ok(!exists(board.link))
})

test('an EEPROM file of the wrong size is refused and kept', async (t) => {
  const folder = temporaryFolder(t)
  const eeprom = join(folder, 'eeprom')
  writeFileSync(eeprom, 'short')
  const boards = named(folder, 1).map((board) => ({ ...board, eeprom }))
  await assert.rejects(startEchoBoards(t, boards), /it has 5 bytes, not 1024/)
  assert.equal(lstatSync(eeprom).size, 5)
})

test('a trace of a firmware that does not say where its state lies is refused', async (t) => {
  const folder = temporaryFolder(t)
  const boards = named(folder, 1).map((board) => ({ ...board, trace: join(folder, 'trace') }))
  await assert.rejects(startEchoBoards(t, boards), /does not say where its state lies/)
})

test('a bad configuration ends with 78 and words', async (t) => {
  const script = fileURLToPath(new URL('../../../firmware-bridge/emulator/process.ts', import.meta.url))
  for (const [config, words] of [
    ['', /it is missing/],
    ['{', /it is not JSON/],
    ['{"boards":[]}', /boards/],
    ['{"boards":[{"name":"axis"}]}', /link/],
    ['{"boards":[{"name":"axis","link":"/x/y/z"}],"firmware":"/no/such.hex"}', /no such file/i]
  ] as const) {
    const emulator = startNode(t, [script, '--config', config])
    assert.equal((await emulator.exited()).code, 78)
    assert.match(emulator.stderr, words)
  }
})
