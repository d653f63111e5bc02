import { covers, type LockPath, lockName, parseLock } from './scope.ts'
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
  /** Locks below this one that are not open to everybody: whoever takes this one takes them too. */
  readonly guardedBelow: readonly Guarded[]
  /** The pools of slots that a device lock of this name counts against, each by the scope that it is for. */
  readonly slots: readonly Pool[]
}

export interface Guarded {
  readonly lock: string
  readonly mayLock: readonly string[]
}

export interface PolicyEntry extends Partial<Omit<Policy, 'slots' | 'guardedBelow'>> {
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
  guardedBelow: [],
  slots: []
}

const scopeOf = (pattern: string): string => pattern.split(':', 1)[0] ?? ''

/** Undefined when the pattern is about other resources. */
function scopeAbout(pattern: string, { resource }: LockPath): string | undefined {
  const colon = pattern.indexOf(':')
  const about = colon < 0 ? '*' : pattern.slice(colon + 1)
  return about === '*' || about === resource ? scopeOf(pattern) : undefined
}

/**
 * Later entries win, setting by setting: write the general before the particular. Slots of different scopes stand beside each
 * other: three below the plant and one below its line are both kept. What is said of locks below binds this one too.
 */
export function policyFor(entries: readonly PolicyEntry[], lock: string): Policy {
  const target = parseLock(lock)
  if (target === undefined) return DEFAULT_POLICY
  const policy = settingsFor(entries, target)
  const guardedBelow = guardedBelowOf(entries, target)
  return guardedBelow.length === 0 ? policy : { ...policy, guardedBelow }
}

const LOOKED_UP_KEPT = 10_000

/** As `policyFor`, for entries that stay as they are: each lock is worked out once. A rule asks several times a message. */
export function policyLookup(entries: readonly PolicyEntry[]): (lock: string) => Policy {
  const known = new Map<string, Policy>()
  return (lock) => {
    const looked = known.get(lock)
    if (looked !== undefined) return looked
    const policy = policyFor(entries, lock)
    if (known.size >= LOOKED_UP_KEPT) known.clear()
    known.set(lock, policy)
    return policy
  }
}

function settingsFor(entries: readonly PolicyEntry[], target: LockPath): Policy {
  let policy = DEFAULT_POLICY
  for (const { lock: pattern, slots, ...settings } of entries) {
    const scope = scopeAbout(pattern, target)
    if (scope === undefined || !covers(scope, target.scope)) continue
    policy = { ...policy, ...settings }
    if (slots !== undefined) policy = withPool(policy, { scope, most: slots })
  }
  return policy
}

function guardedBelowOf(entries: readonly PolicyEntry[], target: LockPath): readonly Guarded[] {
  const scopes = new Set<string>()
  for (const { lock: pattern, mayLock } of entries) {
    const scope = mayLock === undefined ? undefined : scopeAbout(pattern, target)
    if (scope !== undefined && scope !== target.scope && covers(target.scope, scope)) scopes.add(scope)
  }
  return [...scopes].flatMap((scope) => {
    const below = { ...target, scope }
    const { mayLock } = settingsFor(entries, below)
    return mayLock === undefined ? [] : [{ lock: lockName(below), mayLock }]
  })
}

const withPool = (policy: Policy, pool: Pool): Policy => ({
  ...policy,
  slots: [...policy.slots.filter(({ scope }) => scope !== pool.scope), pool]
})
