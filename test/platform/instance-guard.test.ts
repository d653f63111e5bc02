import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { holdInstance, InstanceRunning } from '../../src/platform/instance-guard.ts'
import { type Process, startNode } from '../support/processes.ts'
import { within } from '../support/wait.ts'

const guardFile = new URL('../../src/platform/instance-guard.ts', import.meta.url).pathname

/** Another process that holds the name until it is ended. */
async function holder(t: TestContext, name: string): Promise<Process> {
  const child = startNode(t, [
    '--input-type=module-typescript',
    '--eval',
    `import { holdInstance } from '${guardFile}'
     await holdInstance(${JSON.stringify(name)})
     process.stdout.write('{"holds":true}\\n')
     setInterval(() => undefined, 60_000)`
  ])
  await child.line('the name is held', (line) => line.holds === true)
  return child
}

function runningAs(pid: number | undefined) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof InstanceRunning)
    assert.equal(error.pid, pid)
    assert.match(
      error.message,
      pid === undefined ? /does not answer.*End it first/ : /as process \d+\. End it first/
    )
    return true
  }
}

test('a second instance is refused, with the pid of the first; another name is free', async (t) => {
  const name = `agent:${randomUUID()}`
  const first = await holder(t, name)
  await assert.rejects(holdInstance(name), runningAs(first.pid))
  await (await holdInstance(`${name}:other`)).release()
})

test('a stopped holder still holds, and kill -9 frees the name', async (t) => {
  const name = `agent:${randomUUID()}`
  const first = await holder(t, name)
  first.signal('SIGSTOP')
  await assert.rejects(holdInstance(name), runningAs(undefined))
  await first.kill()
  const guard = await holdInstance(name)
  await guard.release()
})

test('a released name can be held again, also a long or strange one', async () => {
  for (const name of [randomUUID(), `${'x'.repeat(300)}-${randomUUID()}`, `größe ${randomUUID()}\0`]) {
    await (await holdInstance(name)).release()
    const again = await holdInstance(name)
    await assert.rejects(holdInstance(name), runningAs(process.pid))
    await again.release()
  }
})

test('a stranger on the name, who says nothing and hangs up, is an error too, in bounded time', async (t) => {
  const name = randomUUID()
  const stranger = createServer((socket) => socket.end('who are you?'))
  await new Promise<void>((resolve) => stranger.listen(`\0locksmith/${name}`, resolve))
  t.after(() => void stranger.close())
  await within('the refusal', assert.rejects(holdInstance(name), runningAs(undefined)))
})

test('the guard does not keep a process alive', async (t) => {
  const script = `import { holdInstance } from '${guardFile}'; await holdInstance('${randomUUID()}')`
  const child = startNode(t, ['--input-type=module-typescript', '--eval', script])
  assert.equal((await child.exited()).code, 0)
})
