/** A client for tests that stop or kill it: prints one line per connection and stays until it is ended. */
import { connectBroker } from '../../src/platform/mqtt-connection.ts'

const url = process.argv[2] ?? 'mqtt://127.0.0.1:1883'
const counted = { connected: 0 }
const connect = connectBroker(url, { keepaliveSeconds: 1, backoff: { firstMs: 20, longestMs: 200 } })
connect(
  { clientId: `sleeper-${process.pid}`, will: { topic: 'state', payload: 'gone', retain: false } },
  {
    connected: () => {
      counted.connected += 1
      process.stdout.write(`${JSON.stringify(counted)}\n`)
    }
  }
)
