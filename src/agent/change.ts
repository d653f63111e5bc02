import { LocksmithError } from '../protocol/errors.ts'
import type { Update } from '../protocol/messages.ts'
import { type Change, type Entry, type Failure, STEPS } from '../rules/change.ts'
import { configHoldId } from '../rules/interlock.ts'
import type { Authority } from './authority.ts'
import type { ChangeDeps } from './change-deps.ts'
import { conclude, fail } from './conclude.ts'
import { failureOf } from './failure.ts'
import { matches, type Target } from './targets.ts'
import { validate } from './validate.ts'

/** The reason of a signal that takes a waiting change back, to be begun anew later. */
export class PutOff extends Error {
  constructor() {
    super('put off: another change goes first')
    this.name = 'PutOff'
  }
}

interface Run {
  readonly deps: ChangeDeps
  readonly change: Change
  readonly authority: Authority
  readonly targets: readonly Target[]
}

type StepEntry = Extract<Entry, { entry: 'step' }>

/**
 * One update from its arrival to its end: validate → acquire → hold → pause → stage → commit → write → verify → release. Each
 * step is in the journal before it is taken, and none is begun without a lease. Never throws; the outcome is owed in the
 * journal. `signal` takes it back while it waits for its lock.
 *
 * @returns `put-off` when it was taken back to be begun anew
 */
export async function applyUpdate(
  deps: ChangeDeps,
  update: Update,
  signal: AbortSignal
): Promise<'done' | 'put-off'> {
  let authority: Authority | undefined
  try {
    const begun = begin(deps, update)
    const valid = await validate(deps, begun, signal)
    // The end of a doubt may have put another file in place: that is what this change goes back to.
    const change = isOnTopOf(deps, begun) ? begun : begin(deps, update)
    if (valid === 'already') {
      conclude(deps, { how: 'already', change })
      return 'done'
    }
    enter(deps, { entry: 'step', step: 'acquire' })
    authority = await deps.authority(update, signal)
    deps.allowance.requireRoom(change.resource)
    await carry({ deps, change, authority: deps.allowance.bound(authority), targets: valid })
    conclude(deps, { how: 'applied', change })
  } catch (error) {
    if (signal.aborted && signal.reason instanceof PutOff && authority === undefined) {
      deps.journal.note({ entry: 'end', ending: 'put-off', why: signal.reason.message, outcome: null })
      return 'put-off'
    }
    await fail(deps, update, failureFrom(signal, authority, error))
  } finally {
    await authority?.end()
  }
  return 'done'
}

/** What took a waiting change back says why better than the request that it ended. */
const failureFrom = (signal: AbortSignal, authority: Authority | undefined, error: unknown): Failure =>
  failureOf(signal.aborted && authority === undefined ? signal.reason : error)

function begin(deps: ChangeDeps, update: Update): Change {
  const { push, resource, version, digest, document, by, under } = update
  const file = deps.configs.read(resource)
  const previous = file === undefined ? null : { version: file.version, digest: file.digest }
  const change = { push, resource, version, digest, document, by, under, previous }
  deps.log.info(
    { event: 'change-begins', push, resource, version, by, under },
    `${resource} version ${version} by ${by}`
  )
  enter(deps, { entry: 'step', step: 'validate', change })
  return change
}

const isOnTopOf = (deps: ChangeDeps, { resource, previous }: Change): boolean =>
  deps.configs.read(resource)?.digest === previous?.digest

function enter(deps: ChangeDeps, entry: StepEntry): void {
  deps.journal.append(entry)
  deps.log.info({ event: 'step', step: entry.step }, entry.step)
  deps.halt(entry.step)
}

/** The next step: only with a lease, judged by the clock before the entry and after it (the process may have been stopped). */
function step({ deps, authority }: Run, entry: StepEntry): void {
  requireLease(authority)
  enter(deps, entry)
  requireLease(authority)
}

function requireLease(authority: Authority): void {
  if (authority.leftMs() > 0) return
  const { reason } = authority.lost
  throw reason instanceof LocksmithError
    ? reason
    : new LocksmithError('LK-1016', `${authority.lock}: the lease ran out`)
}

async function carry(run: Run): Promise<void> {
  const { deps, change, authority } = run
  await standStill(run)
  authority.phase('applying')
  await stage(run)
  await commit(run)
  await readBack(run)
  step(run, { entry: 'step', step: 'write' })
  deps.configs.replace(change.resource, {
    document: change.document,
    version: change.version,
    fence: authority.fence,
    by: change.by
  })
  authority.phase('verifying')
  step(run, { entry: 'step', step: 'verify' })
  // One step over all controllers: once one has confirmed, none can go back.
  for (const { controller } of run.targets) await controller.confirm(change.resource, authority.fence)
}

/** The config hold is durable, in the journal, before anything is paused: a lock that is cleared in mid-change starts nothing. */
async function standStill(run: Run): Promise<void> {
  const { deps, change, authority } = run
  step(run, { entry: 'step', step: 'hold', lock: authority.lock, fence: authority.fence })
  const why = `${change.resource} version ${change.version} is being applied`
  deps.guard.raise({ id: configHoldId(change.resource), kind: 'config', owner: deps.name, why })
  authority.phase('waiting-for-standstill')
  step(run, { entry: 'step', step: 'pause' })
  await deps.guard.standstill(deps.standstillMs, authority.lost)
}

async function stage(run: Run): Promise<void> {
  const { change, authority, targets } = run
  const { resource, version } = change
  const { fence, leftMs: leaseLeftMs } = authority
  step(run, { entry: 'step', step: 'stage', controllers: targets.map(({ controller }) => controller.name) })
  for (const { controller, values } of targets) {
    requireLease(authority)
    await controller.stage({ resource, values, version, fence, leaseLeftMs })
  }
}

async function commit(run: Run): Promise<void> {
  const { change, authority, targets } = run
  step(run, { entry: 'step', step: 'commit' })
  for (const { controller } of targets) {
    requireLease(authority)
    const already = await controller.commit(change.resource, authority.fence)
    if (already) {
      throw new LocksmithError(
        'LK-5002',
        `controller ${controller.name} has committed under fence ${authority.fence} before`
      )
    }
  }
}

/** What would survive a reset, not what was staged. */
async function readBack({ change, authority, targets }: Run): Promise<void> {
  for (const { controller, values } of targets) {
    const stored = await controller.read(change.resource)
    const same =
      stored.fence === authority.fence && stored.version === change.version && matches(stored, values)
    if (!same) {
      const found = `version ${stored.version}, fence ${stored.fence}, ${JSON.stringify(stored.values)}`
      throw new LocksmithError(
        'LK-4001',
        `controller ${controller.name} does not hold what was committed: it has ${found}`
      )
    }
  }
}

/** Whether a change that waits for its lock may still be taken back. */
export const waitsForLock = (deps: Pick<ChangeDeps, 'journal'>): boolean => {
  const { open } = deps.journal.state
  return open !== null && STEPS.indexOf(open.step) <= STEPS.indexOf('acquire')
}
