import { SerialPort } from 'serialport'
import type { Line, LineHandlers, Timers } from './line.ts'

export interface SerialLineOptions {
  /** A device file; /dev/serial/by-id/… stays the same when a reset renumbers ttyACM0. */
  readonly port: string
  readonly baudRate: number
  readonly timers: Timers
}

/** A write that the kernel does not take within this time means a dead port: such a write never calls back by itself. */
const writeMs = 1_000
const closeMs = 1_000

/** A line over a serial port of this machine. */
export function serialLine(options: SerialLineOptions): Line {
  return new SerialLine(options)
}

class SerialLine implements Line {
  readonly #options: SerialLineOptions
  readonly #port: SerialPort
  #handlers: LineHandlers | undefined
  #closing: Promise<void> | undefined
  #opening: Promise<void> | undefined

  constructor(options: SerialLineOptions) {
    this.#options = options
    // The binding leaves HUPCL as it finds it when `hupcl` is false: after `stty -hupcl` DTR stays up between two opens,
    // and a board that resets on DTR runs on.
    const { port: path, baudRate } = options
    this.#port = new SerialPort({ path, baudRate, autoOpen: false, lock: true, hupcl: false })
  }

  open(handlers: LineHandlers): void {
    if (this.#opening !== undefined) throw new Error('a line is opened once: make a new one')
    this.#handlers = handlers
    const port = this.#port
    port.on('data', (bytes: Buffer) => this.#handlers?.data(bytes))
    port.on('error', (error) => this.#end(explain(error, this.#options.port)))
    port.on('close', (error: Error | null) => this.#end(lostBy(error, this.#options.port)))
    port.on('end', () => this.#end(lostBy(null, this.#options.port)))
    this.#opening = new Promise((resolve) => {
      port.open((error) => {
        resolve()
        if (error) this.#end(explain(error, this.#options.port))
        else if (this.#closing === undefined) this.#handlers?.opened()
      })
    })
  }

  write(bytes: Uint8Array): void {
    if (!this.#port.isOpen || this.#closing !== undefined) return
    const late = this.#options.timers.after(writeMs, () =>
      this.#end(`a write to ${this.#options.port} did not finish within ${writeMs} ms: the port is stuck`)
    )
    this.#port.write(Buffer.from(bytes), (error) => {
      late.cancel()
      if (error) this.#end(lostBy(error, this.#options.port))
    })
  }

  close(): Promise<void> {
    this.#handlers = undefined
    this.#closing ??= this.#release()
    return this.#closing
  }

  /** The port may still be opening: closing waits for that, so that no open port is left behind. */
  async #release(): Promise<void> {
    const bound = Promise.withResolvers<void>()
    const tooLong = this.#options.timers.after(closeMs, bound.resolve)
    await Promise.race([this.#opening, bound.promise])
    if (this.#port.isOpen) this.#port.close(() => bound.resolve())
    else bound.resolve()
    await bound.promise
    tooLong.cancel()
  }

  #end(why: string): void {
    const handlers = this.#handlers
    void this.close()
    handlers?.closed(why)
  }
}

function lostBy(error: Error | null, port: string): string {
  return `${port} is gone${error ? ` (${error.message})` : ''}: unplugged, or its other end closed`
}

function explain(error: Error, port: string): string {
  const said = error.message
  if (/no such file|no such device|ENOENT|ENXIO/i.test(said)) {
    return `${port} does not exist: check the cable, and the port in the configuration`
  }
  if (/cannot lock port|busy/i.test(said)) {
    return `${port} is in use by another process: end it, as one port has one host`
  }
  if (/permission denied|EACCES/i.test(said)) {
    return `no permission to open ${port}: add this user to the group that owns it (often dialout)`
  }
  if (/inappropriate ioctl|not a tty|is a directory/i.test(said))
    return `${port} is no serial port: check the configuration`
  return `${port} failed: ${said}`
}
