import { createHash } from 'node:crypto'
import { connect, createServer, type Server } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

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
/** A process that is being killed lets go of the name within this many attempts. */
const mostAttempts = 25
const betweenAttemptsMs = 20
const longestName = 80

/**
 * Makes sure that one process of a name runs on this machine (more exactly: in this network namespace), through an
 * abstract Unix socket, which leaves no file behind. Does not keep the process alive.
 *
 * @throws InstanceRunning
 */
export async function holdInstance(name: string): Promise<Guard> {
  const path = abstractPath(name)
  for (let attempt = 1; ; attempt += 1) {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.end(String(process.pid))
    })
    if (await listened(server, path)) {
      server.unref()
      return { release: () => new Promise((resolve) => server.close(() => resolve())) }
    }
    const holder = await askHolder(path)
    if (holder !== 'gone') throw new InstanceRunning(name, holder === 'silent' ? undefined : holder)
    if (attempt === mostAttempts) throw new InstanceRunning(name, undefined)
    await pause(betweenAttemptsMs)
  }
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

/** `gone` when the holder ended in this very moment: its name is free now, or held by somebody else. */
function askHolder(path: string): Promise<number | 'silent' | 'gone'> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const parts: string[] = []
    const finish = (without: 'silent' | 'gone'): void => {
      socket.destroy()
      const pid = Number(parts.join(''))
      resolve(Number.isSafeInteger(pid) && pid > 0 ? pid : without)
    }
    socket.setEncoding('utf8').setTimeout(answerWithinMs, () => finish('silent'))
    socket.on('data', (part: string) => parts.push(part))
    socket.once('end', () => finish('gone')).once('error', () => finish('gone'))
  })
}
