import { ERRORS, type ErrorCode } from '../protocol/errors.ts'
import type { Update } from '../protocol/messages.ts'
import {
  type Change,
  type Ending,
  type Failure,
  type OpenChange,
  type Outcome,
  STEPS
} from '../rules/change.ts'
import { configHoldId } from '../rules/interlock.ts'
import type { ChangeDeps } from './change-deps.ts'
import { type Settled, settle } from './settle.ts'

/** How changes end: what the journal keeps, which hold stays, what the pusher is told. */

export interface Success {
  readonly how: 'applied' | 'already'
  readonly change: Change
}

export function conclude(deps: ChangeDeps, { how, change }: Success): void {
  const { push, version, resource } = change
  if (how === 'applied') {
    deps.journal.note({ entry: 'step', step: 'release' })
    deps.halt('release')
  }
  const detail = how === 'already' ? `version ${version} was in force already` : ''
  const outcome: Outcome = { push, outcome: 'applied', code: null, detail, version }
  end(deps, 'applied', detail, outcome)
  deps.log.info(
    { event: 'applied', push, resource, version, already: how === 'already' },
    `${resource} version ${version}`
  )
  showDoubt(deps, resource)
}

/** A change has failed: brings it to its end and says so. */
export async function fail(deps: ChangeDeps, update: Update, failure: Failure): Promise<void> {
  const { open } = deps.journal.state
  if (open === null) return refuse(deps, update, failure)
  deps.journal.note({ entry: 'failed', ...failure })
  settled(deps, open, { result: await settle(deps, open), failure })
}

/** For an update that could not even be begun. */
export function refuse(deps: ChangeDeps, update: Pick<Update, 'push' | 'resource'>, failure: Failure): void {
  logRefusal(deps, update, failure)
  const outcome: Outcome = {
    push: update.push,
    outcome: 'refused',
    ...told(failure),
    version: versionOf(deps, update.resource)
  }
  deps.journal.note({ entry: 'end', ending: 'refused', why: failure.why, outcome })
}

/** A change that a crash has cut off. Nothing touched: the update, which the broker retains, may begin anew. */
export async function recoverOpen(deps: ChangeDeps, open: OpenChange): Promise<void> {
  const result = await settle(deps, open)
  deps.log.warn(
    { event: 'recovered', how: result.how, step: open.step, why: result.why },
    `after a restart: ${result.how}`
  )
  if (result.how === 'nothing') return end(deps, 'put-off', result.why, null)
  const failure = open.failure ?? { code: 'LK-4001', why: `the agent was restarted during ${open.step}` }
  settled(deps, open, { result, failure })
}

function settled(deps: ChangeDeps, open: OpenChange, end: { result: Settled; failure: Failure }): void {
  const { result, failure } = end
  const { push, resource, version } = open.change
  if (result.how === 'rolled-forward') {
    finish(deps, open, 'applied', { push, outcome: 'applied', code: null, detail: result.why, version })
    return
  }
  logRefusal(deps, { push, resource }, failure)
  const ending: Ending = result.how === 'nothing' ? 'refused' : result.how
  const final = finalWord(open, result, failure)
  const outcome = result.how === 'unverified' ? 'unverified' : 'refused'
  finish(deps, open, ending, { push, outcome, ...told(final), version: versionOf(deps, resource) })
}

/** From commit on it is the roll-back that counts; before, what went wrong. */
function finalWord(open: OpenChange, result: Settled, failure: Failure): Failure {
  if (result.how === 'unverified')
    return { code: 'LK-4002', why: `${failure.why} (${failure.code}); ${result.why}` }
  if (STEPS.indexOf(open.step) < STEPS.indexOf('commit')) return failure
  return { code: 'LK-4001', why: `rolled back: ${failure.why} (${failure.code})` }
}

function finish(deps: ChangeDeps, open: OpenChange, ending: Ending, outcome: Outcome): void {
  end(deps, ending, outcome.detail, outcome)
  showDoubt(deps, open.change.resource)
}

function end(deps: ChangeDeps, ending: Ending, why: string, outcome: Outcome | null): void {
  deps.journal.note({ entry: 'end', ending, why, outcome })
}

/** The config hold stands while the resource is in doubt, and falls when it is not. */
export function showDoubt(deps: ChangeDeps, resource: string): void {
  const doubt = deps.journal.state.unverified.get(resource)
  const id = configHoldId(resource)
  if (doubt === undefined) return deps.guard.drop([id])
  deps.guard.raise({ id, kind: 'config', owner: deps.name, why: `${resource} is unverified: ${doubt.why}` })
}

/** Tries again to bring an unverified change to its end. `signal` ends the wait for controllers that are away. */
export async function retryUnverified(
  deps: ChangeDeps,
  resource: string,
  signal?: AbortSignal
): Promise<Settled> {
  const doubt = deps.journal.state.unverified.get(resource)
  if (doubt === undefined) return { how: 'nothing', why: '', awaits: [] }
  const result = await settle(deps, doubt.change, signal)
  if (result.how === 'unverified') return result
  const how = result.how === 'rolled-forward' ? result.how : 'rolled-back'
  deps.journal.note({ entry: 'resolved', resource, how })
  deps.log.warn({ event: 'resolved', resource, how, why: result.why }, `${resource}: ${how}`)
  showDoubt(deps, resource)
  return result
}

function logRefusal(
  deps: ChangeDeps,
  update: Pick<Update, 'push' | 'resource'>,
  { code, why }: Failure
): void {
  const { push, resource } = update
  deps.log.warn({ event: 'update-refused', push, resource, code }, `${code} ${titleOf(code)}: ${why}`)
}

const titleOf = (code: string): string => (code in ERRORS ? ERRORS[code as ErrorCode].title : 'refused')

const told = ({ code, why }: Failure): Pick<Outcome, 'code' | 'detail'> => ({
  code,
  detail: why.slice(0, 500)
})

/** What the device has now. */
function versionOf(deps: ChangeDeps, resource: string): number | null {
  try {
    return deps.configs.read(resource)?.version ?? null
  } catch {
    return null
  }
}
