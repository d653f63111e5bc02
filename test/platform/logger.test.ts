import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startNode } from '../support/processes.ts'

const loggerFile = new URL('../../src/platform/logger.ts', import.meta.url).pathname

function script(body: string): readonly string[] {
  return ['--input-type=module-typescript', '--eval', `import { createLogger } from '${loggerFile}'\n${body}`]
}

test('each event is one JSON line with level, time, name and its fields, and none is lost at an abrupt exit', async (t) => {
  const child = startNode(
    t,
    script(`const log = createLogger({ name: 'agent' })
      for (let n = 0; n < 2000; n += 1) log.info({ event: 'count', n }, 'counting\\non')
      log.debug({}, 'too quiet to be written')
      log.error({ event: 'HOT', error: Object.assign(new Error('why'), { code: 'EIO' }) }, 'HOT lock')
      process.kill(process.pid, 'SIGKILL')`)
  )
  assert.equal((await child.exited()).signal, 'SIGKILL')
  assert.equal(child.lines.length, 2001)
  assert.equal(child.stdout.split('\n').length, 2002)
  const last = child.lines.at(-1)
  assert.deepEqual([last?.level, last?.name, last?.event, last?.msg], ['error', 'agent', 'HOT', 'HOT lock'])
  assert.match(String(last?.time), /^\d{4}-\d\d-\d\dT/)
  assert.deepEqual(Object.keys(last?.error ?? {}), ['name', 'message', 'stack', 'code'])
})

test('a reader of the log that goes away does not end the program', async (t) => {
  const child = startNode(
    t,
    script(`process.stdout.destroy()
      const log = createLogger({ name: 'agent' })
      const { closeSync } = await import('node:fs')
      closeSync(1)
      for (let n = 0; n < 10; n += 1) log.info({ n }, 'nobody reads this')
      setImmediate(() => process.exit(7))`)
  )
  assert.equal((await child.exited()).code, 7, child.stderr)
})

test('with fd 2 nothing reaches stdout', async (t) => {
  const child = startNode(t, script(`createLogger({ name: 'cli', fd: 2 }).warn({}, 'aside')`))
  await child.exited()
  assert.equal(child.stdout, '')
  assert.match(child.stderr, /"aside"/)
})
