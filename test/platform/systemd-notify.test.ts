import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createNotifier } from '../../src/platform/systemd-notify.ts'
import { temporaryFolder } from '../support/temporary.ts'

/** A `systemd-notify` that writes down how it was called, and is slow about readiness. */
function standIn(t: TestContext): {
  readonly env: NodeJS.ProcessEnv
  readonly calls: () => readonly string[]
} {
  const folder = temporaryFolder(t)
  const record = join(folder, 'calls')
  writeFileSync(
    join(folder, 'systemd-notify'),
    `#!/bin/sh\n[ "$1" != --ready ] || sleep 0.2\necho "$*" >> '${record}'\n`,
    { mode: 0o755 }
  )
  return {
    env: { PATH: `${folder}:/usr/bin:/bin`, NOTIFY_SOCKET: '/run/nobody' },
    calls: () => (existsSync(record) ? readFileSync(record, 'utf8').trimEnd().split('\n') : [])
  }
}

test('systemd is told in the order of the calls, each as one line', async (t) => {
  const { env, calls } = standIn(t)
  const notifier = createNotifier(env)
  void notifier.ready('connected and safe')
  void notifier.status('paused:\nlock *:aim')
  void notifier.watchdog()
  await notifier.stopping('bye')
  assert.deepEqual(calls(), [
    '--ready --status=connected and safe',
    '--status=paused: lock *:aim',
    'WATCHDOG=1',
    'STOPPING=1 --status=bye'
  ])
})

test('without NOTIFY_SOCKET nothing is started', async (t) => {
  const { env, calls } = standIn(t)
  await createNotifier({ ...env, NOTIFY_SOCKET: undefined }).ready('x')
  assert.deepEqual(calls(), [])
})

test('a missing systemd-notify, or one that fails, harms nothing', async () => {
  await createNotifier({ PATH: '/nonexistent', NOTIFY_SOCKET: '/run/nobody' }).ready('x')
  await createNotifier({ PATH: '/usr/bin:/bin', NOTIFY_SOCKET: '/nonexistent/socket' }).ready('x')
})

test('the watchdog is called at half of what the unit allows, and only by the process that is watched', () => {
  const mine = { WATCHDOG_USEC: '30000000', WATCHDOG_PID: String(process.pid) }
  assert.equal(createNotifier(mine).watchdogEveryMs, 15_000)
  assert.equal(createNotifier({ ...mine, WATCHDOG_PID: '1' }).watchdogEveryMs, undefined)
  assert.equal(createNotifier({}).watchdogEveryMs, undefined)
  assert.equal(createNotifier({ WATCHDOG_USEC: 'soon' }).watchdogEveryMs, undefined)
})
