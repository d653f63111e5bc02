import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import {
  type FenceFile,
  openSqliteStore,
  parseFenceFile,
  printFenceFile,
  type Store,
  StoreError,
  startLocksmith
} from '../lock-manager/index.ts'
import { bootId } from '../platform/boot-id.ts'
import { systemClock } from '../platform/clock.ts'
import { everyCron } from '../platform/cron.ts'
import { DiskError, makeRoomFor, systemFiles } from '../platform/durable-file.ts'
import { createLogger, type Log } from '../platform/logger.ts'
import { connectBroker } from '../platform/mqtt-connection.ts'
import { LocksmithError } from '../protocol/errors.ts'
import { type Policy, policyLookup } from '../rules/policy.ts'
import { COMMAND_ENDS_WITHIN_MS } from './end-of-command.ts'
import { asLocksmithError } from './failure.ts'
import {
  changeTeller,
  defaultStore,
  policyEntries,
  readServeConfig,
  resourcesOf,
  type ServeConfig,
  shortDelays,
  storeFile
} from './serve-config.ts'
import { endWithin, keepCompiled, keepSystemdInformed } from './service.ts'
import { anyAborted } from './stop.ts'
import { readVersion } from './version.ts'

export interface LocksmithRun {
  readonly file: string | undefined
  readonly config: ServeConfig
  readonly broker: string
  readonly fleet: string
  readonly store: string | undefined
  readonly ttlMs: number
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stop: AbortSignal
}

const SWEEP = '*/5 * * * * *'

/** Runs the lock manager until it is told to stop. Throws LK-7001 (database), LK-7002 (disk), LK-7003 (fleet taken over), LK-7004 (store in use), LK-6004 (configuration). */
export async function runLocksmith(run: LocksmithRun): Promise<void> {
  const log = createLogger({ name: 'locksmith' })
  const database = resolve(storeFile(run.store ?? run.config.store ?? defaultStore(run.env)))
  const connect = connectBroker(run.broker)
  const store = openStore(database)
  const policies = livePolicies(run, log)
  const clock = systemClock({ keepAlive: true })
  const locksmith = startLocksmith({
    connect,
    clock,
    store,
    fenceFile: openFenceFile(resolve(run.config.fenceFile ?? `${database}.fences`)),
    boot: bootId(),
    instance: `${hostname()
      .toLowerCase()
      .replaceAll(/[^a-z0-9.-]/g, '-')}-${process.pid}-${randomBytes(3).toString('hex')}`,
    version: readVersion(),
    fleet: run.fleet,
    ttlMs: run.ttlMs,
    policy: policies.policy,
    resources: policies.resources,
    log,
    defer: (task) => void setImmediate(task),
    everySweep: (sweep) =>
      everyCron(
        run.config.collector ?? SWEEP,
        () => {
          policies.refresh()
          sweep()
        },
        { clock }
      )
  })
  const systemd = keepSystemdInformed(run.env)
  void locksmith.ready.then(() => systemd.ready(`serving fleet ${run.fleet}`)).then(keepCompiled)
  const ended = await Promise.race([anyAborted(run.stop), locksmith.takenOver])
  if (typeof ended === 'string') throw new LocksmithError('LK-7003', ended)
  log.info({ event: 'stopping', why: run.stop.reason }, 'stopping')
  await systemd.stopping('stopping')
  await endWithin(clock, locksmith.stop(), () =>
    log.warn({ event: 'stop-overdue' }, 'ending although something did not let go in time')
  )
}

/** Troubles of a disk that pass, or that somebody mends while a service manager starts Locksmith again and again. */
const MAY_PASS: readonly string[] = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE']

function openStore(file: string): Store {
  try {
    makeRoomFor(file)
    return openSqliteStore(file)
  } catch (error) {
    throw asStoreTrouble(error)
  }
}

/** A full disk must not keep Locksmith down for good: a service manager starts it again after LK-7002, not after the others. */
function asStoreTrouble(error: unknown): unknown {
  if (error instanceof DiskError)
    return MAY_PASS.includes(error.code)
      ? new LocksmithError('LK-7002', error.message)
      : new LocksmithError(
          'LK-7001',
          error.message,
          'Name a file that this user may write: --store sqlite:FILE'
        )
  if (!(error instanceof StoreError)) return error
  if (error.inUse) return new LocksmithError('LK-7004', error.message)
  return new LocksmithError(error.fatal ? 'LK-7001' : 'LK-7002', error.message)
}

function openFenceFile(path: string): FenceFile {
  const files = systemFiles()
  const read = (): number => parseFenceFile(files.read(path))
  try {
    read()
  } catch (error) {
    throw new LocksmithError(
      'LK-7001',
      `the fence file ${path} cannot be understood: ${(error as Error).message.split('\n')[0]}`,
      'Restore it; without it a fence could be granted twice'
    )
  }
  return { read, write: (limit) => files.write(path, printFenceFile(limit)) }
}

function warnOfShortDelays(config: ServeConfig, log: Log): void {
  const locks = shortDelays(config)
  if (locks.length === 0) return
  log.warn(
    { event: 'lock-delay-short', locks, neededMs: COMMAND_ENDS_WITHIN_MS },
    `lockDelay of ${locks.join(', ')} is below ${COMMAND_ENDS_WITHIN_MS / 1000} s: a COMMAND of exec that ignores SIGTERM may still run when the next owner is granted the lock`
  )
}

/** Policies and resources as the configuration file has them now. A file that has gone bad is logged, and the last good one stays. */
function livePolicies(
  run: LocksmithRun,
  log: Log
): { policy: (lock: string) => Policy; resources: () => readonly string[]; refresh: () => void } {
  const changed = changeTeller(run.file)
  warnOfShortDelays(run.config, log)
  let policy = policyLookup(policyEntries(run.config))
  let resources = resourcesOf(run.config)
  return {
    policy: (lock) => policy(lock),
    resources: () => resources,
    refresh: () => {
      if (!changed()) return
      try {
        const config = readServeConfig(run.file)
        const entries = policyEntries(config)
        policy = policyLookup(entries)
        resources = resourcesOf(config)
        log.info({ event: 'policies-read', count: entries.length }, 'the policies were read again')
        warnOfShortDelays(config, log)
      } catch (error) {
        const { code, message } = asLocksmithError(error)
        log.error({ event: 'policies-kept', code }, `the policies stay as they were: ${message}`)
      }
    }
  }
}
