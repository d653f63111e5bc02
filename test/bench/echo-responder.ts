import { fdatasyncSync, openSync, writeSync } from 'node:fs'
import { connectBroker } from '../../src/platform/mqtt-connection.ts'

/**
 * The honest floor of a durable acquire: the same broker and client, and a responder that writes the request to a file and
 * calls fdatasync before it replies.
 * Arguments: broker URL, file.
 */
const [url = '', file = ''] = process.argv.slice(2)
const fd = openSync(file, 'a')
const connection = connectBroker(url)(
  { clientId: 'bench-echo' },
  {
    connected: () => process.stdout.write('ready\n'),
    message: ({ payload }) => {
      writeSync(fd, payload)
      fdatasyncSync(fd)
      connection.publish('bench/rep', Buffer.from(payload).toString())
    }
  }
)
connection.subscribe(['bench/req'])
