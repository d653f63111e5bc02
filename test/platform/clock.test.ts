import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { bootId } from '../../src/platform/boot-id.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { startNode } from '../support/processes.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { waitFor } from '../support/wait.ts'

const clockFile = new URL('../../src/platform/clock.ts', import.meta.url).pathname

test('the clock tells the time since the machine started', () => {
  const before = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000
  const read = systemClock().now()
  const after = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000
  assert.ok(read >= before - 20 && read <= after + 30, `${read} is not between ${before} and ${after}`)
})

test('the first reading after a suspend includes it, and a timer it passed fires', async (t) => {
  const uptimePath = join(temporaryFolder(t), 'uptime')
  writeFileSync(uptimePath, '1000.00 1.00\n')
  let sleptMs = 0
  const clock = systemClock({ uptimePath, keepAlive: true, wallMs: () => Date.now() + sleptMs })
  const before = clock.now()
  const fired: number[] = []
  const timer = clock.after(3_600_000, () => fired.push(clock.now()))
  t.after(() => timer.cancel())
  writeFileSync(uptimePath, '9000.00 1.00\n')
  sleptMs = 8_000_000
  assert.ok(clock.now() - before >= 7_990_000)
  await waitFor('the timer that the suspend passed', () => fired.length === 1)
})

test('a suspend that the wall clock hides, because it was set back by as much, is found too', async (t) => {
  const uptimePath = join(temporaryFolder(t), 'uptime')
  writeFileSync(uptimePath, '1000.00 1.00\n')
  const clock = systemClock({ uptimePath })
  const before = clock.now()
  writeFileSync(uptimePath, '9000.00 1.00\n')
  await waitFor('a reading that includes it', () => clock.now() - before >= 7_990_000)
})

test('a wall clock that is set, however far, does not move the clock', () => {
  let setByMs = 0
  const clock = systemClock({ wallMs: () => Date.now() + setByMs })
  const before = clock.now()
  for (const by of [-3_600_000, 86_400_000, 0]) {
    setByMs = by
    assert.ok(Math.abs(clock.now() - before) < 5_000)
  }
})

test('a timer fires once, not before its time', async () => {
  const clock = systemClock({ keepAlive: true })
  for (const ms of [0, 1, 7, 13, 1200]) {
    const start = clock.now()
    const fired: number[] = []
    clock.after(ms, () => fired.push(clock.now()))
    await waitFor('the timer', () => fired.length > 0)
    assert.equal(fired.length, 1)
    assert.ok((fired[0] ?? 0) - start >= ms, `${ms} ms: fired after ${(fired[0] ?? 0) - start}`)
  }
})

test('a cancelled timer does not fire', async () => {
  const clock = systemClock({ keepAlive: true })
  const fired: string[] = []
  const timer = clock.after(5, () => fired.push('cancelled'))
  clock.after(20, () => fired.push('kept'))
  timer.cancel()
  await waitFor('the other timer', () => fired.length > 0)
  assert.deepEqual(fired, ['kept'])
})

test('timers do not keep a process alive unless asked to', async (t) => {
  const script = (options: string): readonly string[] => [
    '--input-type=module-typescript',
    '--eval',
    `import { systemClock } from '${clockFile}'
     systemClock(${options}).after(200, () => process.stdout.write('{"fired":true}\\n'))`
  ]
  const leaving = startNode(t, script(''))
  const staying = startNode(t, script('{ keepAlive: true }'))
  await leaving.exited()
  await staying.exited()
  assert.deepEqual([leaving.lines.length, staying.lines.length], [0, 1])
})

test('without /proc/uptime the clock still runs forward', () => {
  const clock = systemClock({ uptimePath: '/nonexistent/uptime' })
  const first = clock.now()
  assert.ok(first > 0 && clock.now() >= first)
})

test('a boot has a name, the same at each reading', () => {
  assert.match(bootId(), /^[0-9a-f-]{36}$/)
  assert.equal(bootId(), bootId())
  assert.equal(bootId('/nonexistent/boot_id'), 'unknown')
})
