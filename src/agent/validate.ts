import { parseDocument } from '../protocol/document.ts'
import { LocksmithError } from '../protocol/errors.ts'
import type { Change } from '../rules/change.ts'
import type { ChangeDeps } from './change-deps.ts'
import { retryUnverified } from './conclude.ts'
import { digestOf } from './config-file.ts'
import { type Target, targetsOf } from './targets.ts'

/**
 * Whether the update may be begun at all, and for which controllers. `already`: just this is in force and verified. A controller
 * that is away, as after a loss of its line, is waited for: nothing stands for it yet. `signal` ends that wait.
 * @throws LocksmithError LK-3004 to 3007, LK-3009, LK-4002, LK-5001, LK-5002; DiskError
 */
export async function validate(
  deps: ChangeDeps,
  change: Change,
  signal: AbortSignal
): Promise<'already' | readonly Target[]> {
  const document = parseDocument(change.document)
  if (digestOf(change.document) !== change.digest) {
    throw new LocksmithError('LK-3009', 'the digest of the document is not the one that was announced')
  }
  if (document.resource !== change.resource || document.version !== change.version) {
    const said = `${change.resource} version ${change.version}`
    throw new LocksmithError(
      'LK-3009',
      `the document is ${document.resource} version ${document.version}, not ${said}`
    )
  }
  const doubt = await doubtOf(deps, change.resource, signal)
  const file = deps.configs.read(change.resource)
  const usable = file !== undefined && file.broken === undefined
  if (usable && !doubt && file.version === change.version && file.digest === change.digest) return 'already'
  if (usable) refuseOlder(change.version, file.version, 'verified')
  await deps.guard.reachable(deps.reachableMs, signal)
  if (!usable) refuseOlder(change.version, storedVersion(deps, change.resource) - 1, 'a controller has')
  return targetsOf(deps.controllers, document)
}

function refuseOlder(version: number, atLeast: number, how: string): void {
  if (version <= atLeast) {
    throw new LocksmithError('LK-3006', `version ${version} is not above version ${atLeast} (${how})`)
  }
}

/** Without a file, what the controllers have stored is the last that is known. */
const storedVersion = (deps: ChangeDeps, resource: string): number =>
  Math.max(0, ...deps.guard.posts.map((post) => post.stored.get(resource)?.version ?? 0))

/** A resource in doubt may be changed only when every controller can be asked: a newer version then ends the doubt. */
async function doubtOf(deps: ChangeDeps, resource: string, signal: AbortSignal): Promise<boolean> {
  if (!deps.journal.state.unverified.has(resource)) return false
  const { awaits, why } = await retryUnverified(deps, resource, signal)
  if (awaits.length > 0) throw new LocksmithError('LK-4002', why)
  return deps.journal.state.unverified.has(resource)
}
