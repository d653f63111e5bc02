import { existsSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { killGroup, startProcess } from './processes.ts'
import { temporaryFolder } from './temporary.ts'
import { waitFor } from './wait.ts'

const program = ['/usr/sbin/mosquitto', '/usr/bin/mosquitto', '/usr/local/sbin/mosquitto'].find((path) =>
  existsSync(path)
)

/** For `{ skip: mosquittoMissing() }`: false when it is there, else what to install. */
export function mosquittoMissing(): string | false {
  return program === undefined
    ? 'NOT TESTED: mosquitto is missing. Install it: apt-get install mosquitto'
    : false
}

export interface MosquittoOptions {
  /** Further lines of mosquitto.conf. */
  readonly config?: readonly string[]
  /** Keeps retained messages in its folder across a restart; written every second. */
  readonly persistence?: boolean
  /** Lines of an access-control file. */
  readonly acl?: readonly string[]
  /** Debian's default is Nagle on; so is ours off. */
  readonly noDelay?: boolean
}

/** A Mosquitto of this test's own on a loopback port. It stays on its port across `restart`. */
export interface Mosquitto {
  readonly port: number
  readonly url: string
  readonly pid: number
  /** SIGTERM, as systemd would. */
  stop(): Promise<void>
  /** SIGKILL, as a power cut would. */
  kill(): Promise<void>
  freeze(): void
  thaw(): void
  /** After `stop` or `kill`. */
  restart(): Promise<void>
}

export async function startMosquitto(t: TestContext, options: MosquittoOptions = {}): Promise<Mosquitto> {
  const folder = temporaryFolder(t)
  const port = await freePort()
  const configPath = join(folder, 'mosquitto.conf')
  if (options.acl !== undefined) writeFileSync(join(folder, 'acl'), `${options.acl.join('\n')}\n`)
  writeFileSync(configPath, configuration(folder, port, options).join('\n'))
  const start = async () => {
    const started = startProcess(t, program ?? 'mosquitto', ['-c', configPath])
    await waitFor(`mosquitto on port ${port}`, () => {
      if (started.exit !== undefined) throw new Error(`it ended: ${started.stderr}`)
      return answers(port)
    })
    return started
  }
  let current = await start()
  return {
    port,
    url: `mqtt://127.0.0.1:${port}`,
    get pid() {
      return current.pid
    },
    stop: async () => {
      current.signal('SIGTERM')
      await current.exited()
    },
    kill: () => killGroup(current.pid),
    freeze: () => current.signal('SIGSTOP'),
    thaw: () => current.signal('SIGCONT'),
    restart: async () => {
      current = await start()
    }
  }
}

function configuration(folder: string, port: number, options: MosquittoOptions): string[] {
  const { persistence = false, noDelay = true } = options
  return [
    'per_listener_settings false',
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    `set_tcp_nodelay ${noDelay}`,
    'log_dest stderr',
    ...(process.getuid?.() === 0 ? ['user root'] : []),
    ...(persistence ? ['persistence true', `persistence_location ${folder}/`, 'autosave_interval 1'] : []),
    ...(options.acl === undefined ? [] : [`acl_file ${join(folder, 'acl')}`]),
    ...(options.config ?? []),
    ''
  ]
}

/** A loopback port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
