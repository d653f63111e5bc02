/** Nothing but a serial port in an event loop: 100 messages to the device and back, then one line. `node idle-client.ts PATH` */
import { SerialPort } from 'serialport'

const MESSAGES = 100
const message = Buffer.from('sixteen bytes...')
const port = new SerialPort({ path: process.argv[2] ?? '', baudRate: 115_200 })
let heard = 0
port.on('open', () => port.write(message))
port.on('data', (bytes: Buffer) => {
  const before = Math.floor(heard / message.length)
  heard += bytes.length
  const complete = Math.floor(heard / message.length)
  if (complete === MESSAGES) {
    process.stdout.write(`${JSON.stringify({ messages: complete })}\n`)
    port.close()
  } else if (complete > before) port.write(message)
})
