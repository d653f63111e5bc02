import type { TestContext } from 'node:test'
import { SerialPort } from 'serialport'
import { waitFor, within } from '../../support/wait.ts'

/** A program at the other end of a board's serial device, as an agent is. */
export interface Client {
  readonly port: SerialPort
  /** Everything heard so far. */
  readonly heard: Buffer
  /** Sends bytes and resolves with what is heard from then on, once as many have come. */
  exchange(bytes: Buffer): Promise<Buffer>
  write(bytes: Buffer): void
  close(): Promise<void>
}

/** Opens a board's device; rejects with serialport's words. Closed when the test ends. */
export async function openClient(t: TestContext, path: string, baudRate = 115_200): Promise<Client> {
  const port = await within(`${path} to open`, open(path, baudRate))
  let heard = Buffer.alloc(0)
  port.on('data', (bytes: Buffer) => {
    heard = Buffer.concat([heard, bytes])
  })
  port.on('error', () => {})
  const close = () => new Promise<void>((resolve) => (port.isOpen ? port.close(() => resolve()) : resolve()))
  t.after(close)
  return {
    port,
    get heard() {
      return heard
    },
    exchange: async (bytes) => {
      const before = heard.length
      port.write(bytes)
      await waitFor(`${bytes.length} bytes from ${path}`, () => heard.length - before >= bytes.length)
      return heard.subarray(before)
    },
    write: (bytes) => void port.write(bytes),
    close
  }
}

function open(path: string, baudRate: number): Promise<SerialPort> {
  return new Promise((resolve, reject) => {
    const port = new SerialPort({ path, baudRate }, (error) => (error ? reject(error) : resolve(port)))
  })
}
