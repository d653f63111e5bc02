import fs from 'node:fs'
import path from 'node:path'
import tty from 'node:tty'
import type { Libc } from './libc.ts'

/** What a client that does not read may leave behind; older bytes are dropped, as on a wire nobody listens to. */
const UNSENT_BYTES = 4096

/** The path that should name the device cannot be a symlink of ours. */
export class LinkError extends Error {
  constructor(link: string, why: string) {
    super(`cannot put the device at ${link}: ${why}; choose another path`)
    this.name = 'LinkError'
  }
}

export interface PtyOptions {
  readonly libc: Libc
  /** Where the device is found: a symlink, because the numbers of pseudo-terminals are reused. */
  readonly link: string
  readonly received: (bytes: Buffer) => void
}

/** A serial device made of a pseudo-terminal: what a client writes to `link` is received, what is sent it reads. */
export class Pty {
  readonly link: string
  /** The device behind the link, `/dev/pts/N`. */
  readonly path: string
  readonly #libc: Libc
  readonly #master: number
  readonly #slave: number
  readonly #stream: tty.ReadStream
  #unsent = Buffer.alloc(0)

  /** Throws PtyError or {@link LinkError}. */
  constructor(options: PtyOptions) {
    this.#libc = options.libc
    this.link = options.link
    const master = options.libc.openMaster()
    this.#master = master.fd
    this.path = master.path
    // Without a slave that stays open the master reads EIO before the first client, and after the last.
    this.#slave = fs.openSync(master.path, fs.constants.O_RDWR | fs.constants.O_NOCTTY)
    this.#stream = new tty.ReadStream(master.fd)
    this.#stream.on('data', options.received)
    // Reading fails only while closing: the slave is held open.
    this.#stream.on('error', () => {})
    try {
      placeLink(this.link, this.path)
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** Speed the client has set, in bits per second; undefined when it cannot be told. */
  get baudRate(): number | undefined {
    return this.#libc.baudRate(this.#master)
  }

  /** Stops and starts taking bytes from the client, whose writes then wait in the kernel. */
  throttle(on: boolean): void {
    if (on) this.#stream.pause()
    else this.#stream.resume()
  }

  /** Never blocks; what the kernel does not take is tried again with the next call, an empty one will do. */
  send(bytes: Uint8Array): void {
    if (bytes.length === 0 && this.#unsent.length === 0) return
    const pending = this.#unsent.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#unsent, bytes])
    this.#unsent = pending.subarray(writeSome(this.#master, pending)).subarray(-UNSENT_BYTES)
  }

  /** Hangs up: clients see the device disappear. */
  close(): void {
    removeLink(this.link, this.path)
    this.#stream.destroy()
    fs.closeSync(this.#slave)
  }
}

function writeSome(fd: number, bytes: Uint8Array): number {
  try {
    return fs.writeSync(fd, bytes)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EAGAIN') return 0
    throw error
  }
}

/** In one step, so that a client that looks meanwhile finds the old device or the new one. */
function placeLink(link: string, target: string): void {
  const present = fs.lstatSync(link, { throwIfNoEntry: false })
  if (present && !present.isSymbolicLink()) throw new LinkError(link, 'something else is there')
  const temporary = `${link}.${process.pid}`
  try {
    fs.mkdirSync(path.dirname(link), { recursive: true })
    fs.rmSync(temporary, { force: true })
    fs.symlinkSync(target, temporary)
    fs.renameSync(temporary, link)
  } catch (error) {
    throw new LinkError(link, error instanceof Error ? error.message : String(error))
  }
}

/** Only while it is still ours: somebody may have put another device there since. */
function removeLink(link: string, target: string): void {
  try {
    if (fs.readlinkSync(link) === target) fs.rmSync(link, { force: true })
  } catch {
    // Gone already, which is what was wanted.
  }
}
