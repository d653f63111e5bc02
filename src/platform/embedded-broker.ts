import { createServer, type Server, type Socket } from 'node:net'
import { Aedes } from 'aedes'
import { createRetainedOrder } from './retained-order.ts'

/** An MQTT 3.1.1 broker inside this process, for trials and tests: on loopback only, with nothing kept on disk. */
export interface EmbeddedBroker {
  readonly port: number
  readonly url: string
  /** Cuts every connection and frees the port. */
  close(): Promise<void>
}

export interface EmbeddedBrokerOptions {
  /** 0 takes any free port. */
  readonly port: number
}

/** The broker could not take its port; the message says why and what to do. */
export class PortUnavailable extends Error {
  readonly port: number
  /** The system's code, `EADDRINUSE` or `EACCES` as a rule. */
  readonly code: string

  constructor(port: number, code: string) {
    super(`the broker cannot listen on 127.0.0.1:${port}: ${portReasons[code] ?? code}`)
    this.name = 'PortUnavailable'
    this.port = port
    this.code = code
  }
}

const portReasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use (EADDRINUSE). Stop the program that has it, or choose another port',
  EACCES: 'this user may not use it (EACCES). Choose a port above 1023'
}

/** @throws PortUnavailable */
export async function createEmbeddedBroker(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
  const sockets = new Set<Socket>()
  const order = createRetainedOrder()
  const aedes = await Aedes.createBroker(order.options)
  order.attach(aedes)
  const endBroker = (): Promise<void> => new Promise((resolve) => aedes.close(() => resolve()))
  aedes.addListener('error', () => undefined)
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    aedes.handle(socket)
  })
  const port = await listen(server, options.port).catch(async (error: unknown) => {
    await endBroker()
    throw error
  })
  const close = async (): Promise<void> => {
    const freed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const socket of sockets) socket.destroy()
    await freed
    await endBroker()
  }
  return { port, url: `mqtt://127.0.0.1:${port}`, close }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: Error) => {
      reject(new PortUnavailable(port, 'code' in error ? String(error.code) : error.message))
    })
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}
