import type { Controller } from '../../firmware-bridge/drivers/controller.ts'
import { parseDocument } from '../protocol/document.ts'
import {
  type ControllerFact,
  type Facts,
  needsFacts,
  type OpenChange,
  type Recovery,
  recover
} from '../rules/change.ts'
import type { ChangeDeps } from './change-deps.ts'
import { failureOf } from './failure.ts'
import { matches } from './targets.ts'

export interface Settled {
  readonly how: 'nothing' | 'rolled-back' | 'rolled-forward' | 'unverified'
  readonly why: string
  /** Controllers that have to be heard before more can be said. */
  readonly awaits: readonly string[]
}

const TRIES = 3

/**
 * Brings a change that was cut off, or has failed, to exactly one end, as the rules decide from what controllers and file
 * say. Never throws: what cannot be done is `unverified`, with the reason. `signal` ends the wait for controllers that are away.
 */
export async function settle(deps: ChangeDeps, open: OpenChange, signal?: AbortSignal): Promise<Settled> {
  let trouble = ''
  for (let tried = 1; tried <= TRIES; tried += 1) {
    try {
      const verdict = recover(open, await gather(deps, open, signal))
      if (verdict.outcome === 'unverified' || verdict.outcome === 'nothing') {
        return { how: verdict.outcome, why: verdict.why, awaits: verdict.awaits }
      }
      await carryOut(deps, open, verdict)
      const how = verdict.outcome === 'roll-back' ? 'rolled-back' : 'rolled-forward'
      return { how, why: verdict.why, awaits: [] }
    } catch (error) {
      const { code, why } = failureOf(error)
      trouble = why
      deps.log.error({ event: 'settling-failed', code, why, tried, resource: open.change.resource }, why)
    }
  }
  const why = `${trouble}; it is tried again as soon as the controller is back`
  return { how: 'unverified', why, awaits: open.controllers }
}

async function gather(deps: ChangeDeps, open: OpenChange, signal?: AbortSignal): Promise<Facts> {
  const { change } = open
  const asked = needsFacts(open)
  if (asked) await deps.guard.reachable(deps.reachableMs, signal).catch(() => undefined)
  const controllers = asked ? await Promise.all(open.controllers.map((name) => ask(deps, open, name))) : []
  const digest = deps.configs.read(change.resource)?.digest ?? null
  const old = change.previous?.digest ?? null
  return { controllers, file: digest === change.digest ? 'new' : digest === old ? 'old' : 'other' }
}

async function ask(deps: ChangeDeps, { change }: OpenChange, name: string): Promise<ControllerFact> {
  const controller = find(deps, name)
  try {
    const stored = await controller?.read(change.resource)
    if (stored === undefined) return { name, stored }
    const { version, fence, verified } = stored
    const { values } = parseDocument(change.document)
    return { name, stored: { version, fence, verified, matches: matches(stored, values) } }
  } catch (error) {
    deps.log.warn(
      { event: 'controller-not-read', controller: name, why: failureOf(error).why },
      `${name} was not read`
    )
    return { name, stored: undefined }
  }
}

const find = (deps: ChangeDeps, name: string): Controller | undefined =>
  deps.controllers.find((controller) => controller.name === name)

async function carryOut(deps: ChangeDeps, open: OpenChange, verdict: Recovery): Promise<void> {
  const { resource, document, version, by, previous } = open.change
  const { fence } = open
  if (verdict.outcome === 'roll-back') await discard(deps, open)
  if (verdict.rollBack.length > 0) await deps.guard.standstill(deps.standstillMs)
  for (const name of verdict.rollBack) await find(deps, name)?.rollback(resource, fence)
  for (const name of verdict.confirm) await find(deps, name)?.confirm(resource, fence)
  if (verdict.file === 'write-new') deps.configs.replace(resource, { document, version, fence, by })
  if (verdict.file === 'restore-old' && !deps.configs.restore(resource, previous?.digest ?? null)) {
    throw new Error(
      `the predecessor of the ${resource} configuration is not on disk any more; push a newer version`
    )
  }
}

/** What is staged is also discarded by the deadline and by the next resume: a controller that cannot be told does no harm. */
async function discard(deps: ChangeDeps, open: OpenChange): Promise<void> {
  for (const name of open.controllers) {
    await find(deps, name)
      ?.discard(open.change.resource)
      .catch(() => undefined)
  }
}
