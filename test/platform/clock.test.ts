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

test('when the kernel reports a suspend, the next reading includes it, and a timer it passed fires', async (t) => {
  const uptimePath = join(temporaryFolder(t), 'uptime')
  writeFileSync(uptimePath, '1000.00 1.00\n')
  const clock = systemClock({ uptimePath, keepAlive: true })
  const before = clock.now()
  const fired: number[] = []
  const timer = clock.after(3_600_000, () => fired.push(clock.now()))
  t.after(() => timer.cancel())
  writeFileSync(uptimePath, '9000.00 1.00\n')
  assert.ok(clock.now() - before >= 7_990_000)
  await waitFor('the timer that the suspend passed', () => fired.length === 1)
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
