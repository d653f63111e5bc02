import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { waitFor } from './wait.ts'

export interface SpawnOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Written to the child's stdin, which is then closed; without it stdin is empty. */
  readonly input?: string
}

/** A child in a process group of its own, with whatever it starts. */
export interface Process {
  readonly pid: number
  readonly stdout: string
  readonly stderr: string
  /** Lines of stdout that are JSON objects, parsed. */
  readonly lines: readonly Readonly<Record<string, unknown>>[]
  /** Undefined while it runs; a signal counts as 128 and its number is in `signal`. */
  readonly exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null } | undefined
  /** The first JSON line of stdout, old or new, for which `wanted` holds. */
  line(
    what: string,
    wanted: (line: Readonly<Record<string, unknown>>) => boolean,
    deadlineMs?: number
  ): Promise<Readonly<Record<string, unknown>>>
  exited(
    deadlineMs?: number
  ): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  /** To the child alone. */
  signal(name: NodeJS.Signals): void
  /** Ends the whole group with SIGKILL, stopped members too, and checks that none is left. */
  kill(): Promise<void>
}

/**
 * The kernel kills the child when the test process dies, even by kill -9 and even if the child is stopped: then nobody is
 * left to clean up. `setpriv` becomes the program, so the pid is the program's.
 */
const dyingWithUs = existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL', '--'] : []

/** Starts a program; when the test ends, its whole group is killed and looked for. */
export function startProcess(
  t: TestContext,
  command: string,
  args: readonly string[],
  options: SpawnOptions = {}
): Process {
  const [program, ...words] = [...dyingWithUs, command, ...args]
  const child = spawn(program ?? command, words, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe']
  })
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input ?? '')
  const started = watch(child, command)
  t.after(() => started.kill())
  return started
}

/** Starts a TypeScript file of this repository under the Node that runs the tests. */
export function startNode(t: TestContext, args: readonly string[], options: SpawnOptions = {}): Process {
  return startProcess(t, process.execPath, args, options)
}

function watch(child: ChildProcess, command: string): Process {
  const seen = { stdout: '', stderr: '', exit: undefined as Process['exit'] }
  const lines: Record<string, unknown>[] = []
  let rest = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    seen.stdout += chunk
    const parts = (rest + chunk).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts.flatMap(jsonObject))
  })
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    seen.stderr += chunk
  })
  child.once('error', (error) => {
    seen.stderr += `${command} did not start: ${error.message}\n`
    seen.exit ??= { code: 127, signal: null }
  })
  child.once('close', (code, signal) => {
    seen.exit ??= { code, signal }
  })
  const pid = child.pid ?? 0
  const context = (): string => `${command} (pid ${pid}); stderr: ${seen.stderr.slice(-2000)}`
  return {
    pid,
    lines,
    get stdout() {
      return seen.stdout
    },
    get stderr() {
      return seen.stderr
    },
    get exit() {
      return seen.exit
    },
    line: (what, wanted, deadlineMs) =>
      waitFor(
        `the line "${what}" of ${command}`,
        () => lines.find(wanted) ?? explain(context, seen.exit),
        deadlineMs
      ),
    exited: (deadlineMs) => waitFor(`the end of ${context()}`, () => seen.exit, deadlineMs),
    signal: (name) => void child.kill(name),
    kill: () => killGroup(pid)
  }
}

/** Thrown while waiting, so that the failure shows what the child said. */
function explain(context: () => string, exit: Process['exit']): never {
  throw new Error(`${exit === undefined ? 'runs' : `ended with ${exit.code ?? exit.signal}`}: ${context()}`)
}

function jsonObject(line: string): Record<string, unknown>[] {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? [value as Record<string, unknown>] : []
  } catch {
    return []
  }
}

/** Kills every member of a process group and waits until the kernel knows none. */
export async function killGroup(pgid: number): Promise<void> {
  if (pgid <= 1) return
  await waitFor(`process group ${pgid} to be gone`, () => {
    try {
      process.kill(-pgid, 'SIGKILL')
    } catch {
      return true
    }
    return membersOfGroup(pgid).length === 0
  })
}

/** Pids of the live members of a process group; zombies do not count. */
export function membersOfGroup(pgid: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => isLiveMember(name, pgid))
    .map(Number)
}

/** Pids of the children of a process. */
export const childrenOf = (pid: number): readonly number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)

function isLiveMember(pid: string, pgid: number): boolean {
  try {
    const stat = readFileSync(join('/proc', pid, 'stat'), 'utf8')
    const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (Number(group) !== pgid) return false
    // The first thread of a killed process is a zombie while others still hold its files and sockets.
    return state !== 'Z' || readdirSync(join('/proc', pid, 'task')).length > 1
  } catch {
    return false
  }
}
