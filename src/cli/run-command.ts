import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import type { Grant } from '../client/index.ts'
import type { Clock } from '../platform/clock.ts'
import { LocksmithError } from '../protocol/errors.ts'
import { insistOnLease } from './hold-locks.ts'

export interface CommandRun {
  readonly command: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly grant: Grant
  readonly clock: Clock
  /** It is stopped after this long, as if the lease were lost. */
  readonly longestMs: number | undefined
}

const GRACE_MS = 5000
const LOOK_EVERY_MS = 20
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Runs a command in a process group of its own and returns its exit status. When the lease is lost the whole group gets
 * SIGTERM and, 5 s later, SIGKILL; then LK-1016 is thrown. It settles only when the command has ended.
 */
export async function runUnderLease(run: CommandRun): Promise<number> {
  insistOnLease(run.grant)
  const [program = '', ...args] = run.command
  const child = spawn(program, args, { stdio: 'inherit', detached: true, env: run.env })
  const ended = endOf(child, program)
  // Attached now, because it may reject before it is awaited.
  ended.catch(() => undefined)
  let overtime = false
  const stopping = new AbortController()
  const stop = (): void => stopping.abort()
  const timer =
    run.longestMs === undefined
      ? undefined
      : run.clock.after(run.longestMs, () => {
          overtime = true
          stop()
        })
  run.grant.lost.addEventListener('abort', stop, { once: true })
  stopping.signal.addEventListener('abort', () => signalGroup(child.pid, 'SIGTERM'), { once: true })
  const forward = (name: NodeJS.Signals): void => void signalGroup(child.pid, name)
  for (const name of FORWARDED) process.on(name, forward)
  try {
    const status = await Promise.race([ended, aborted(stopping.signal)])
    if (status === undefined) await endGroup(child.pid, run.clock)
    else if (run.grant.leftMs() > 0) return status
    if (overtime) throw new LocksmithError('LK-1016', 'the time given by --for has passed')
    throw run.grant.lost.reason
  } finally {
    timer?.cancel()
    run.grant.lost.removeEventListener('abort', stop)
    for (const name of FORWARDED) process.off(name, forward)
  }
}

function endOf(child: ChildProcess, program: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new LocksmithError('LK-6006', `${program}: ${error.message}`)))
    child.once('exit', (code, signal) =>
      resolve(signal === null ? (code ?? 0) : 128 + constants.signals[signal])
    )
  })
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}

/** False when there is no such group any more. */
function signalGroup(pgid: number | undefined, name: NodeJS.Signals | 0): boolean {
  if (pgid === undefined) return false
  try {
    return process.kill(-pgid, name)
  } catch {
    return false
  }
}

/** Waits until the group that was sent SIGTERM is gone; what is left of it after the grace is killed. */
async function endGroup(pgid: number | undefined, clock: Clock): Promise<void> {
  const until = clock.now() + GRACE_MS
  while (signalGroup(pgid, 0)) {
    if (clock.now() >= until) signalGroup(pgid, 'SIGKILL')
    await new Promise<void>((resolve) => clock.after(LOOK_EVERY_MS, resolve))
  }
}
