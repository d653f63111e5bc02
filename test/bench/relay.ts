import { connect } from 'mqtt'
import { SerialPort } from 'serialport'

/**
 * The floor of a pause: a message comes, bytes go to a serial port, and nothing else happens.
 * Arguments: broker URL, topic, serial port, bytes in hexadecimal.
 */
const [url = '', topic = '', path = '', bytes = ''] = process.argv.slice(2)
const port = new SerialPort({ path, baudRate: 115_200 })
const frame = Buffer.from(bytes, 'hex')
const client = connect(url, { protocolVersion: 5 })
client.on('connect', () => {
  if ('setNoDelay' in client.stream && typeof client.stream.setNoDelay === 'function') {
    client.stream.setNoDelay(true)
  }
  client.subscribe(topic, () => process.stdout.write('ready\n'))
})
client.on('message', () => port.write(frame))
