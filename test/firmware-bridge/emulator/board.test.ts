import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Board, type BoardConfig } from '../../../firmware-bridge/emulator/board.ts'
import { readFirmware } from '../../../firmware-bridge/emulator/firmware-image.ts'
import { loadLibc } from '../../../firmware-bridge/emulator/libc.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { readTrace } from '../../support/trace-file.ts'

/** A board of the shipped firmware whose time the test moves. */
function boardAt(t: TestContext, files: Omit<BoardConfig, 'name' | 'link'> = {}) {
  const folder = temporaryFolder(t)
  const clock = { ms: 0 }
  const trace = join(folder, 'trace')
  const board = new Board(
    { name: 'axis', link: join(folder, 'axis'), trace, ...files },
    {
      libc: loadLibc(),
      firmware: readFirmware(),
      now: () => clock.ms,
      powerUpMs: 0,
      wall: () => 1_000_000 + clock.ms,
      hurry: () => {},
      failed: (error) => assert.fail(String(error))
    }
  )
  t.after(() => board.close())
  const stepTo = (ms: number): void => {
    clock.ms = ms
    board.step()
  }
  return { board, stepTo, trace }
}

test('a board that was not stepped for seconds makes up for them, and traces the moments between', (t) => {
  const { stepTo, trace } = boardAt(t)
  stepTo(5000)
  const lines = readTrace(trace)
  assert.ok(lines.length >= 50)
  for (const { tMs, atMs } of lines) assert.ok(Math.abs(atMs - 1_000_000 - tMs) <= 12, `${tMs} at ${atMs}`)
})

test('a process that was stopped for an hour does not make up for more than ten seconds', (t) => {
  const { stepTo, trace } = boardAt(t)
  stepTo(1000)
  stepTo(3_600_000)
  const last = readTrace(trace).at(-1)
  assert.ok(last && last.tMs <= 11_000 && last.tMs > 10_800)
  stepTo(3_600_500)
  assert.ok((readTrace(trace).at(-1)?.tMs ?? 0) > last.tMs + 300)
})

test('a sleeping board says when it has something to do next, and has nothing to do before', (t) => {
  const { board, stepTo, trace } = boardAt(t)
  stepTo(1000)
  assert.ok(board.dueMs > 1000 && board.dueMs <= 1010, `${board.dueMs}`)
  const lines = readTrace(trace).length
  stepTo(board.dueMs)
  assert.equal(readTrace(trace).length, lines)
})

test('a board that cannot be made leaves no link and no device behind', (t) => {
  const folder = temporaryFolder(t)
  const link = join(folder, 'axis')
  const devices = readdirSync('/proc/self/fd').length
  mkdirSync(join(folder, 'trace'))
  writeFileSync(join(folder, 'occupied'), '')
  const around = {
    libc: loadLibc(),
    firmware: readFirmware(),
    now: () => 0,
    powerUpMs: 0,
    wall: () => 0,
    hurry: () => {},
    failed: () => {}
  }
  assert.throws(() => new Board({ name: 'axis', link, trace: join(folder, 'trace') }, around), /EISDIR/)
  assert.throws(() => new Board({ name: 'axis', link: join(folder, 'occupied') }, around), /something else/)
  assert.deepEqual(readdirSync(folder).sort(), ['occupied', 'trace'])
  assert.equal(readdirSync('/proc/self/fd').length, devices)
})
