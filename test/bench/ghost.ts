import { randomInt } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openFleetConnection } from '../../src/client/index.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { connectBroker } from '../../src/platform/mqtt-connection.ts'
import type { LockRecord } from '../../src/protocol/messages.ts'
import { startMosquitto } from '../support/mosquitto.ts'
import { startNode } from '../support/processes.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { waitFor } from '../support/wait.ts'
import { type BenchOptions, median, type Row, rounded } from './figures.ts'
import { openBenchSession, startServe } from './locksmith.ts'
import { withScope } from './scope.ts'

const TTL = '1s'
const LOCK = '*:aim'
const HOLDER = new URL('./holder.ts', import.meta.url).pathname

/** From the end of a killed holder's lease to the grant of the next waiter; the holder is a process that dies by kill -9. */
export function ghost({ rounds = 50 }: BenchOptions): Promise<Row[]> {
  return withScope(async (scope) => {
    const { url } = await startMosquitto(scope.context)
    const folder = temporaryFolder(scope.context)
    const config = join(folder, 'locksmith.toml')
    const store = `sqlite:${join(folder, 'locksmith.db')}`
    writeFileSync(
      config,
      `broker = "${url}"\nstore = "${store}"\nttl = "${TTL}"\n[[policy]]\nlock = "*"\nlockDelay = "0s"\n`
    )
    await startServe(scope, ['--config', config])
    const waiter = await openBenchSession(scope, url, 'waiter')
    const watcher = openFleetConnection({
      connect: connectBroker(url),
      clock: systemClock({ keepAlive: true }),
      fleet: 'default',
      principal: 'watcher',
      clientId: 'bench-watcher'
    })
    scope.later(() => watcher.close())
    const leaseLeftMs = async (): Promise<number> => {
      const id = `w${randomInt(2 ** 40)}`
      const answer = await watcher.call({ op: 'query', id, what: 'locks' }, 'answer')
      return (answer.data as LockRecord[]).find((record) => record.lock === LOCK)?.leaseLeftMs ?? 0
    }
    const late: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      const holder = startNode(scope.context, [HOLDER, url, LOCK])
      await waitFor('the holder', () => holder.stdout.includes('granted'))
      const granted = waiter.acquire({ locks: [LOCK], wait: true })
      holder.signal('SIGKILL')
      await holder.exited()
      const leaseEnd = performance.now() + (await leaseLeftMs())
      const grant = await granted
      late.push(performance.now() - leaseEnd)
      await grant.release()
    }
    const common = {
      case: `kill -9 of the holder, ttl ${TTL}, ${rounds} rounds`,
      system: 'locksmith',
      unit: 'ms after the end of the lease'
    }
    return [
      { ...common, metric: 'median', value: rounded(median(late), 1) },
      { ...common, metric: 'maximum', value: rounded(Math.max(...late), 1) }
    ]
  })
}
