import { join } from 'node:path'
import type { FleetSession } from '../../src/client/index.ts'
import { connectBroker } from '../../src/platform/mqtt-connection.ts'
import { startMosquitto } from '../support/mosquitto.ts'
import { startNode } from '../support/processes.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { waitFor } from '../support/wait.ts'
import { compared, median, type Row, rounded } from './figures.ts'
import { openBenchSession, startServe } from './locksmith.ts'
import { type Scope, withScope } from './scope.ts'

const ROUNDS = 7
const PER_ROUND = 200
const WARM_UP = 300

/** An acquire alone, durable, beside an echo through the same broker whose responder does one fdatasync; rounds interleaved. */
export function acquire(): Promise<Row[]> {
  return withScope(async (scope) => {
    const { url } = await startMosquitto(scope.context)
    const folder = temporaryFolder(scope.context)
    const echo = await openEcho(scope, url, join(folder, 'echo'))
    const session = await openLocksmith(scope, url, join(folder, 'locksmith.db'))
    await measure(WARM_UP, echo)
    await measure(WARM_UP, () => acquireOnce(session))
    const echoes: number[] = []
    const acquires: number[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      echoes.push(median(await measure(PER_ROUND, echo)))
      acquires.push(median(await measure(PER_ROUND, () => acquireOnce(session))))
    }
    const common = { case: 'acquire alone, durable', metric: 'p50', unit: 'ms' }
    const floor: Row = { ...common, system: 'echo with one fdatasync', value: rounded(median(echoes)) }
    return [floor, compared({ ...common, system: 'locksmith', value: median(acquires) }, floor)]
  })
}

/** Each call gives its own duration in milliseconds: what is not measured, such as a release, is left out. */
async function measure(times: number, once: () => Promise<number>): Promise<number[]> {
  const took: number[] = []
  for (let index = 0; index < times; index += 1) took.push(await once())
  return took
}

async function openEcho(scope: Scope, url: string, file: string): Promise<() => Promise<number>> {
  const responder = startNode(scope.context, [
    new URL('./echo-responder.ts', import.meta.url).pathname,
    url,
    file
  ])
  await waitFor('the echo responder', () => responder.stdout.includes('ready'))
  let heard: () => void = () => {}
  const connection = connectBroker(url)({ clientId: 'bench-asker' }, { message: () => heard() })
  scope.later(() => connection.close())
  connection.subscribe(['bench/rep'])
  await waitFor('the echo asker', () => connection.connected)
  const payload = 'x'.repeat(250)
  return () =>
    new Promise((resolve) => {
      const begun = performance.now()
      heard = () => resolve(performance.now() - begun)
      connection.publish('bench/req', payload)
    })
}

async function openLocksmith(scope: Scope, url: string, file: string): Promise<FleetSession> {
  await startServe(scope, ['--broker', url, '--store', `sqlite:${file}`, '--ttl', '3s'])
  const session = await openBenchSession(scope, url, 'asker')
  // The first grant waits until Locksmith has given living owners time to come back.
  const first = await session.acquire({ locks: ['*:aim'], wait: true })
  await first.release()
  return session
}

async function acquireOnce(session: FleetSession): Promise<number> {
  const begun = performance.now()
  const grant = await session.acquire({ locks: ['*:aim'], wait: true })
  const took = performance.now() - begun
  await grant.release()
  return took
}
