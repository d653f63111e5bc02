import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Grant } from '../client/index.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import { LocksmithError } from '../protocol/errors.ts'
import type { Order, Outcome, Word } from './command-keeper.ts'
import { COMMAND_ENDS_WITHIN_MS } from './end-of-command.ts'
import { insistOnLease } from './hold-locks.ts'
import { oncePerPress } from './stop.ts'

export interface CommandRun {
  readonly command: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly grant: Grant
  readonly clock: Clock
  /** It is stopped after this long, as if the lease were lost. */
  readonly longestMs: number | undefined
}

/** Beside this file, in a checkout and in a bundle. */
const KEEPER = fileURLToPath(
  new URL(`./command-keeper.${import.meta.url.endsWith('.ts') ? 'ts' : 'mjs'}`, import.meta.url)
)
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const LOOK_AT_LEASE_MS = 100
/** Two readings of one lease differ by less than this. */
const RENEWED_BY_MS = 5

/**
 * Runs a command in a process group of its own and returns its exit status. When the lease is lost the whole group gets
 * SIGTERM and, 5 s later, SIGKILL; then LK-1016 is thrown. A keeper between the two does the same when this process is
 * killed or stopped, and this process when the keeper is. It settles only when the command has ended.
 */
export async function runUnderLease(run: CommandRun): Promise<number> {
  insistOnLease(run.grant)
  const [program = ''] = run.command
  // In a session of its own, so that neither Ctrl-C nor a closing terminal reaches it.
  const keeper = spawn(process.execPath, [KEEPER], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    detached: true
  })
  const ended = outcomeOf(keeper)
  // Attached now, because it may reject before it is awaited.
  ended.catch(() => undefined)
  const tell = (order: Order): void => void (keeper.connected && keeper.send(order, () => undefined))
  let overtime = false
  let overdue: Timer | undefined
  const end = (): void => {
    tell({ end: true })
    // A keeper that has not ended it by then is stopped, or hangs.
    overdue ??= run.clock.after(COMMAND_ENDS_WITHIN_MS, () => void keeper.kill('SIGKILL'))
  }
  const timer =
    run.longestMs === undefined
      ? undefined
      : run.clock.after(run.longestMs, () => {
          overtime = true
          end()
        })
  const tellLease = leaseTeller(run, tell)
  tellLease()
  tell({ run: run.command, env: run.env })
  const lease = setInterval(tellLease, LOOK_AT_LEASE_MS)
  run.grant.lost.addEventListener('abort', end, { once: true })
  const forward = oncePerPress((signal) => tell({ signal }))
  for (const name of FORWARDED) process.on(name, forward)
  try {
    const outcome = await ended
    if (outcome !== undefined && 'failed' in outcome) throw cannotRun(program, outcome)
    if (overtime) throw new LocksmithError('LK-1016', 'the time given by --for has passed')
    insistOnLease(run.grant)
    if (outcome === undefined) throw keeperKilled()
    return outcome.signal === null ? (outcome.status ?? 0) : 128 + constants.signals[outcome.signal]
  } finally {
    timer?.cancel()
    overdue?.cancel()
    clearInterval(lease)
    run.grant.lost.removeEventListener('abort', end)
    for (const name of FORWARDED) process.off(name, forward)
  }
}

/** Tells of the lease at each renewal. */
function leaseTeller({ grant, clock }: CommandRun, tell: (order: Order) => void): () => void {
  let told = Number.NEGATIVE_INFINITY
  return () => {
    const leftMs = grant.leftMs()
    const leaseUntil = clock.now() + leftMs
    if (leftMs === 0 || leaseUntil < told + RENEWED_BY_MS) return
    told = leaseUntil
    tell({ leaseUntil })
  }
}

/** What became of the command, when keeper and command are gone; undefined when the keeper was killed, and so the command. */
async function outcomeOf(keeper: ChildProcess): Promise<Outcome | undefined> {
  const said: { group?: number; outcome?: Outcome } = {}
  keeper.on('message', (word: Word) => {
    if ('group' in word) said.group = word.group
    else said.outcome = word
  })
  try {
    await Promise.all([once(keeper, 'exit'), once(keeper, 'disconnect')])
  } catch (error) {
    throw new LocksmithError('LK-6008', `${process.execPath}: ${(error as Error).message}`)
  }
  if (said.outcome === undefined && said.group !== undefined) killGroup(said.group)
  return said.outcome
}

const keeperKilled = (): LocksmithError =>
  new LocksmithError(
    'LK-9001',
    'the process that was to watch over the command was killed, and the command with it',
    'Start it again; the kernel log tells what the kernel kills'
  )

function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL')
  } catch {
    // Already gone.
  }
}

function cannotRun(program: string, { code, failed }: Extract<Outcome, { failed: string }>): LocksmithError {
  return code === 'ENOENT'
    ? new LocksmithError('LK-6007', `${program} was not found`)
    : new LocksmithError(
        'LK-6008',
        `${program}: ${code === 'EACCES' ? 'permission denied (EACCES)' : failed}`
      )
}
