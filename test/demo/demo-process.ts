import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { FleetIndex } from '../../src/demo/index.ts'
import { killGroup, type Process, startNode, startProcess } from '../support/processes.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { waitFor } from '../support/wait.ts'

export const checkout = fileURLToPath(new URL('../..', import.meta.url))
const main = join(checkout, 'src/cli/main.ts')

/** Ten processes that start together on a busy machine. */
export const startWithinMs = 60_000

export interface DemoOptions {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** `node`: directly; `npm`: by npm start; `terminal`: on a pseudo-terminal, whose master end is the process `script`. */
  readonly by?: 'node' | 'npm' | 'terminal'
  /** Typed into the shell of the terminal before. */
  readonly before?: string
}

/** A demo that was just started. Whatever it started is killed when the test ends, however the test ends. */
export interface StartedDemo {
  /** The demo, or npm, or the terminal that it runs on. */
  readonly process: Process
  /** The TMPDIR that was handed to it. */
  readonly temporary: string
  /** demo.json, once every process in it runs. */
  readonly index: () => Promise<FleetIndex>
  /** demo.json as it is now, if it is there. */
  readonly readIndex: () => FleetIndex | undefined
}

export function startDemo(t: TestContext, options: DemoOptions = {}): StartedDemo {
  // Before anything else: the folder shall be removed after the processes are gone.
  t.after(() => killAll(temporary))
  const temporary = temporaryFolder(t)
  const env = { TMPDIR: temporary, NO_COLOR: '1', NODE_NO_WARNINGS: '1', ...options.env }
  return {
    process: start(t, options, env),
    temporary,
    readIndex: () => readIndex(temporary, 'any'),
    index: () =>
      waitFor('a demo.json in which every process runs', () => readIndex(temporary, 'whole'), startWithinMs)
  }
}

function start(t: TestContext, options: DemoOptions, env: Readonly<Record<string, string>>): Process {
  const { args = [], by = 'node', before = 'true' } = options
  if (by === 'node') return startNode(t, [main, 'demo', ...args], { env })
  if (by === 'npm') return startProcess(t, 'npm', ['start', '--', ...args], { env, cwd: checkout })
  const shell = `${before}; exec ${process.execPath} ${main} demo ${args.join(' ')}`
  return startProcess(t, 'script', ['-qfc', shell, '/dev/null'], { env, cwd: checkout })
}

/** For `{ skip: terminalMissing() }`. */
export function terminalMissing(): string | false {
  return existsSync('/usr/bin/script')
    ? false
    : 'NOT TESTED: script is missing. Install it: apt-get install bsdutils'
}

/** The demo.json below a TMPDIR; `whole`: only if no process in it is missing. */
function readIndex(temporary: string, which: 'any' | 'whole'): FleetIndex | undefined {
  const [folder] = readdirSync(temporary).filter((name) => name.startsWith('locksmith-demo-'))
  const file = join(temporary, folder ?? '', 'demo.json')
  if (folder === undefined || !existsSync(file)) return undefined
  const index = JSON.parse(readFileSync(file, 'utf8')) as FleetIndex
  return which === 'any' || listed(index).every((pid) => pid !== null) ? index : undefined
}

const listed = ({ demo, locksmith, boards, reaper, devices }: FleetIndex): (number | null)[] =>
  [demo, locksmith, boards, reaper, ...devices].map(({ pid }) => pid)

/** A process of this moment: a number that is used again later is another one. */
export interface Life {
  readonly pid: number
  readonly startedAt: string
}

/** Every process that demo.json lists. Throws if one of them does not run. */
export function livesOf(index: FleetIndex): readonly Life[] {
  return listed(index).map((pid) => {
    const startedAt = pid === null ? undefined : startOf(pid)
    if (pid === null || startedAt === undefined) throw new Error(`process ${pid} of demo.json does not run`)
    return { pid, startedAt }
  })
}

/** Waits until /proc shows none of them, nor any other process that was started with the demo's folder. */
export async function allGone(lives: readonly Life[], index: FleetIndex): Promise<void> {
  await waitFor('every process of the demo to be gone', () => {
    const left = lives.filter(({ pid, startedAt }) => startOf(pid) === startedAt).map(({ pid }) => pid)
    const strays = processesNaming(index.folder)
    if (left.length > 0 || strays.length > 0)
      throw new Error(`left: ${left.join(', ')}; naming ${index.folder}: ${strays.join(', ')}`)
    return true
  })
}

/** Start time of a process in clock ticks since boot; undefined when it is gone or a zombie. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // The first thread of a killed process is a zombie while others still hold its files and sockets.
    const dead = fields[0] === 'Z' && readdirSync(`/proc/${pid}/task`).length === 1
    return dead ? undefined : fields[19]
  } catch {
    return undefined
  }
}

function processesNaming(text: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text)
      } catch {
        return false
      }
    })
}

/** Also the demo itself when it is no group of its own, as below npm. */
async function killAll(temporary: string): Promise<void> {
  const index = existsSync(temporary) ? readIndex(temporary, 'any') : undefined
  if (index === undefined) return
  for (const pid of [...listed(index), ...processesNaming(index.folder)]) {
    if (pid === null || startOf(pid) === undefined) continue
    process.kill(pid, 'SIGKILL')
    await killGroup(pid)
  }
}
