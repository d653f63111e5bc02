import { covers, parseLock, WHOLE_FLEET } from './scope.ts'
import type { Pool } from './slots.ts'

/** What the operators of a fleet decided for a lock. */
export interface Policy {
  /** A grant longer than this is orphaned. Milliseconds. */
  readonly maxHoldMs: number
  readonly onOrphan: 'reclaim' | 'wait-for-operator'
  /** Waited after the lease of a holder that did not report its end. Milliseconds. */
  readonly lockDelayMs: number
  /** A device in contact that was handed an update and neither answers it nor is at work is given up after this. Milliseconds. */
  readonly patienceMs: number
  /** Names that may lock it; undefined = everybody. */
  readonly mayLock: readonly string[] | undefined
  /** The pools of slots that a device lock of this name counts against, each by the scope that it is for. */
  readonly slots: readonly Pool[]
}

export interface PolicyEntry extends Partial<Omit<Policy, 'slots'>> {
  /** A lock name; `*` stands for any resource and, as scope, for the whole fleet and all below. */
  readonly lock: string
  /** At most so many device locks of a resource below the scope of `lock`, counted by resource. */
  readonly slots?: number
}

export const DEFAULT_POLICY: Policy = {
  maxHoldMs: 15 * 60_000,
  onOrphan: 'reclaim',
  lockDelayMs: 10_000,
  patienceMs: 5 * 60_000,
  mayLock: undefined,
  slots: []
}

const scopeOf = (pattern: string): string => pattern.split(':', 1)[0] ?? ''

function matches(pattern: string, lock: string): boolean {
  const target = parseLock(lock)
  if (target === undefined) return false
  const colon = pattern.indexOf(':')
  const resource = colon < 0 ? '*' : pattern.slice(colon + 1)
  return covers(scopeOf(pattern), target.scope) && (resource === WHOLE_FLEET || resource === target.resource)
}

/**
 * Later entries win, setting by setting: write the general before the particular. Slots of different scopes stand beside each
 * other: three below the plant and one below its line are both kept.
 */
export function policyFor(entries: readonly PolicyEntry[], lock: string): Policy {
  let policy = DEFAULT_POLICY
  for (const { lock: pattern, slots, ...settings } of entries) {
    if (!matches(pattern, lock)) continue
    policy = { ...policy, ...settings }
    if (slots !== undefined) policy = withPool(policy, { scope: scopeOf(pattern), most: slots })
  }
  return policy
}

const withPool = (policy: Policy, pool: Pool): Policy => ({
  ...policy,
  slots: [...policy.slots.filter(({ scope }) => scope !== pool.scope), pool]
})
