import { createHash } from 'node:crypto'
import { connect, createServer, type Server } from 'node:net'

/** Held as long as this process lives, running or stopped; free at once when it ends, however it ends. */
export interface Guard {
  release(): Promise<void>
}

/** Another process of this machine holds the name. */
export class InstanceRunning extends Error {
  readonly instance: string
  /** Undefined when the holder does not answer: it is stopped, or busy. */
  readonly pid: number | undefined

  constructor(instance: string, pid: number | undefined) {
    const holder =
      pid === undefined ? 'and does not answer; it may be stopped (SIGSTOP)' : `as process ${pid}`
    super(`${instance} already runs on this machine, ${holder}. End it first, or give this one another name`)
    this.name = 'InstanceRunning'
    this.instance = instance
    this.pid = pid
  }
}

const answerWithinMs = 500
const longestName = 80

/**
 * Makes sure that one process of a name runs on this machine (more exactly: in this network namespace), through an
 * abstract Unix socket, which leaves no file behind. Does not keep the process alive.
 *
 * @throws InstanceRunning
 */
export async function holdInstance(name: string): Promise<Guard> {
  const path = abstractPath(name)
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.end(String(process.pid))
  })
  if (!(await listened(server, path))) throw new InstanceRunning(name, await askPid(path))
  server.unref()
  return { release: () => new Promise((resolve) => server.close(() => resolve())) }
}

/** The kernel takes 107 bytes: a longer name is represented by its digest. */
function abstractPath(name: string): string {
  const short = name.length <= longestName && /^[\w.:/-]+$/.test(name)
  return `\0locksmith/${short ? name : createHash('sha256').update(name).digest('hex')}`
}

function listened(server: Server, path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: Error) => {
      if ('code' in error && error.code === 'EADDRINUSE') resolve(false)
      else reject(error)
    })
    server.listen(path, () => resolve(true))
  })
}

function askPid(path: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const parts: string[] = []
    const finish = (): void => {
      socket.destroy()
      const pid = Number(parts.join(''))
      resolve(Number.isSafeInteger(pid) && pid > 0 ? pid : undefined)
    }
    socket.setEncoding('utf8').setTimeout(answerWithinMs, finish)
    socket.on('data', (part: string) => parts.push(part))
    socket.once('end', finish).once('error', finish)
  })
}
