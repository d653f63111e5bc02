import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Mosquitto, startMosquitto } from '../support/mosquitto.ts'
import { type Process, type SpawnOptions, startNode, startProcess } from '../support/processes.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { waitFor } from '../support/wait.ts'

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The command line as somebody else's shell would start it: nothing of this user's settings reaches it. */
export function startCli(t: TestContext, args: readonly string[], options: SpawnOptions = {}): Process {
  return startNode(t, [main, ...args], { ...options, env: cleanEnvironment(t, options.env) })
}

export async function runCli(
  t: TestContext,
  args: readonly string[],
  options: SpawnOptions = {}
): Promise<Ended> {
  const started = startCli(t, args, options)
  const { code } = await started.exited()
  return { code, stdout: started.stdout, stderr: started.stderr }
}

/** Runs shell text, in which `$LOCKSMITH` is the command line. */
export function startShell(t: TestContext, text: string, env: Readonly<Record<string, string>>): Process {
  const command = `${process.execPath} ${main}`
  return startProcess(t, 'sh', ['-c', text], { env: { ...cleanEnvironment(t, env), LOCKSMITH: command } })
}

function cleanEnvironment(t: TestContext, env: SpawnOptions['env'] = {}): Record<string, string> {
  const names = ['BROKER', 'FLEET', 'AS', 'TIMEOUT']
  const none = Object.fromEntries(names.map((name) => [`LOCKSMITH_${name}`, '']))
  return { ...none, HOME: env.HOME ?? temporaryFolder(t), XDG_CONFIG_HOME: '', NO_COLOR: '', ...env }
}

export interface FleetOptions {
  readonly ttl?: string
  /** Lines of serve's configuration; without them there is no lock delay, so that ghosts end with their lease. */
  readonly config?: readonly string[]
}

/** A Mosquitto and a Locksmith of this test's own. */
export interface TestFleet {
  readonly mosquitto: Mosquitto
  readonly env: Readonly<Record<string, string>>
  readonly serve: Process
  readonly folder: string
  start(...args: readonly string[]): Process
  run(...args: readonly string[]): Promise<Ended>
  /** What a verb answers with `--json`. */
  json<T>(...args: readonly string[]): Promise<T>
  /** Locksmith again on the same store, after it was killed. */
  restartServe(): Promise<void>
}

export async function startFleet(t: TestContext, options: FleetOptions = {}): Promise<TestFleet> {
  const { ttl = '2s', config = ['[[policy]]', 'lock = "*"', 'lockDelay = "0s"'] } = options
  const folder = temporaryFolder(t)
  const file = join(folder, 'serve.toml')
  writeFileSync(file, [`ttl = "${ttl}"`, `store = "sqlite:${folder}/fleet.db"`, ...config, ''].join('\n'))
  const mosquitto = await startMosquitto(t)
  const env = { LOCKSMITH_BROKER: mosquitto.url }
  const serving = async (): Promise<Process> => {
    const serve = startCli(t, ['serve', '--config', file], { env })
    await serve.line('serving', (line) => line.event === 'serving')
    return serve
  }
  let serve = await serving()
  const fleet: TestFleet = {
    mosquitto,
    env,
    folder,
    get serve() {
      return serve
    },
    start: (...args) => startCli(t, args, { env }),
    run: (...args) => runCli(t, args, { env }),
    json: async <T>(...args: readonly string[]) => {
      const ended = await runCli(t, [...args, '--json'], { env })
      return JSON.parse(ended.stdout) as T
    },
    restartServe: async () => {
      serve = await serving()
    }
  }
  await waitFor('Locksmith to grant', async () => {
    const { locksmith } = await fleet.json<{ locksmith: { watchdog: { opensInMs: number } } }>('status')
    return locksmith.watchdog.opensInMs === 0
  })
  return fleet
}

/** The line of `lock` that tells its grant. */
export const grantOf = async (lock: Process): Promise<{ lock: string; fence: number }> =>
  (await lock.line('a grant', (line) => typeof line.fence === 'number')) as { lock: string; fence: number }

export interface ListedLock {
  readonly lock: string
  readonly state: string
  readonly fence: number
  readonly owner: { readonly name: string } | null
  readonly waiters: readonly { readonly name: string }[]
}
