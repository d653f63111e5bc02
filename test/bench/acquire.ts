import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { FleetSession } from '../../src/client/index.ts'
import { connectBroker } from '../../src/platform/mqtt-connection.ts'
import { startMosquitto } from '../support/mosquitto.ts'
import { startNode } from '../support/processes.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { waitFor } from '../support/wait.ts'
import { type BenchOptions, compared, median, type Row, rounded } from './figures.ts'
import { openBenchSession, startServe } from './locksmith.ts'
import { type Scope, withScope } from './scope.ts'

const PER_ROUND = 20
const WARM_UP = 300
/** Before each measurement, of either: nothing of what went before is still under way. */
const ALONE_MS = 3

/**
 * An acquire alone, durable, beside an echo through the same broker whose responder does one fdatasync. Rounds are short and
 * take turns, so that whatever else the machine does meets both.
 */
export function acquire({ rounds = 100 }: BenchOptions): Promise<Row[]> {
  return withScope(async (scope) => {
    const { url } = await startMosquitto(scope.context)
    const folder = temporaryFolder(scope.context)
    const echo = await openEcho(scope, url, join(folder, 'echo'))
    const session = await openLocksmith(scope, url, join(folder, 'locksmith.db'))
    await measure(WARM_UP, echo)
    await measure(WARM_UP, () => acquireOnce(session))
    const echoes: number[] = []
    const acquires: number[] = []
    for (let round = 0; round < rounds; round += 1) {
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
  for (let index = 0; index < times; index += 1) {
    await setTimeout(ALONE_MS)
    took.push(await once())
  }
  return took
}

async function openEcho(scope: Scope, url: string, file: string): Promise<() => Promise<number>> {
  const responder = startNode(scope.context, [
    new URL('./echo-responder.ts', import.meta.url).pathname,
    url,
    file
  ])
  await waitFor('the echo responder', () => responder.stdout.includes('ready'))
  const asked = 'x'.repeat(250)
  let answered = false
  let heard: () => void = () => {}
  const connection = connectBroker(url)(
    { clientId: 'bench-echo-asker' },
    {
      message: ({ payload }) => {
        answered = true
        if (payload.length === asked.length) heard()
      }
    }
  )
  scope.later(() => connection.close())
  connection.subscribe(['bench/rep'])
  // What is sent before both subscriptions stand is lost, so this asks until something comes back.
  await waitFor('the echo', () => {
    connection.publish('bench/req', 'is anybody there')
    return answered
  })
  return () =>
    new Promise((resolve) => {
      const begun = performance.now()
      heard = () => resolve(performance.now() - begun)
      connection.publish('bench/req', asked)
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
