import { openFleetConnection, openSession } from '../../src/client/index.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { connectBroker } from '../../src/platform/mqtt-connection.ts'

/** Takes a lock and holds it until it is killed. Arguments: broker URL, lock. */
const [url = '', lock = ''] = process.argv.slice(2)
const clock = systemClock({ keepAlive: true })
const connection = openFleetConnection({
  connect: connectBroker(url),
  clock,
  fleet: 'default',
  principal: 'holder',
  clientId: `bench-holder-${process.pid}`
})
const session = openSession({
  kind: 'tool',
  device: null,
  boot: 'bench',
  connection,
  clock,
  random: Math.random
})
await session.acquire({ locks: [lock], wait: true })
process.stdout.write('granted\n')
