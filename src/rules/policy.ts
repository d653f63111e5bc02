import { covers, parseLock, WHOLE_FLEET } from './scope.ts'

/** What the operators of a fleet decided for a lock. */
export interface Policy {
  /** A grant longer than this is orphaned. Milliseconds. */
  readonly maxHoldMs: number
  readonly onOrphan: 'reclaim' | 'wait-for-operator'
  /** Waited after the lease of a holder that did not report its end. Milliseconds. */
  readonly lockDelayMs: number
  /** Names that may lock it; undefined = everybody. */
  readonly mayLock: readonly string[] | undefined
}

export interface PolicyEntry extends Partial<Policy> {
  /** A lock name; `*` stands for any resource and, as scope, for the whole fleet and all below. */
  readonly lock: string
}

export const DEFAULT_POLICY: Policy = {
  maxHoldMs: 15 * 60_000,
  onOrphan: 'reclaim',
  lockDelayMs: 10_000,
  mayLock: undefined
}

function matches(pattern: string, lock: string): boolean {
  const target = parseLock(lock)
  if (target === undefined) return false
  const colon = pattern.indexOf(':')
  const scope = colon < 0 ? pattern : pattern.slice(0, colon)
  const resource = colon < 0 ? '*' : pattern.slice(colon + 1)
  return covers(scope, target.scope) && (resource === WHOLE_FLEET || resource === target.resource)
}

/** Later entries win, setting by setting: write the general before the particular. */
export function policyFor(entries: readonly PolicyEntry[], lock: string): Policy {
  let policy = DEFAULT_POLICY
  for (const { lock: pattern, ...settings } of entries) {
    if (matches(pattern, lock)) policy = { ...policy, ...settings }
  }
  return policy
}
