import type { LocksmithHost } from '../programs/locksmith.ts'

/** A row of Locksmith's store, as far as it is looked at. */
export interface StoredLock {
  readonly name: string
  readonly state: 'free' | 'held' | 'orphaned'
  readonly owner: { readonly name: string; readonly session: number } | null
  readonly orphan: { readonly cause: string } | null
  readonly unheard: unknown
  readonly clearing: unknown
}

export interface LockState {
  readonly lock: string
  readonly state: string
  readonly owner: string | undefined
}

/** The steps of a change as a device's journal names them, `undoing` after a failure, `in doubt` with an unverified configuration. */
export const STEP_STATES = [
  'no change',
  'validate',
  'acquire',
  'hold',
  'pause',
  'stage',
  'commit',
  'write',
  'verify',
  'release',
  'undoing',
  'in doubt'
].map((step) => `step ${step}`)

/** The states of a lock as Locksmith's store has them; `wanted` by what its records say of waiters. */
export const LOCK_STATES = [
  'free',
  'held',
  'held and wanted',
  'held, unheard since a start',
  'held, to be cleared',
  'orphaned',
  'orphaned, cleared',
  'orphaned, fences raised'
].map((state) => `lock ${state}`)

/** In which states the locks are, by the durable rows of Locksmith's store. */
export function lockStates(locksmith: LocksmithHost): readonly LockState[] {
  const found: LockState[] = []
  for (const { kind, value } of locksmith.disk.rows.values()) {
    if (kind !== 'lock') continue
    const lock = value as StoredLock
    found.push({
      lock: lock.name,
      state: `lock ${nameOf(lock, locksmith.wanted.has(lock.name))}`,
      owner: lock.owner?.name
    })
  }
  return found
}

function nameOf({ state, orphan, unheard, clearing }: StoredLock, wanted: boolean): string {
  if (state === 'free') return 'free'
  if (state === 'orphaned') {
    if (orphan?.cause === 'cleared') return 'orphaned, cleared'
    return orphan?.cause === 'fences-raised' ? 'orphaned, fences raised' : 'orphaned'
  }
  if (clearing !== null) return 'held, to be cleared'
  if (unheard !== null) return 'held, unheard since a start'
  return wanted ? 'held and wanted' : 'held'
}

export const stateOfLock = (lock: StoredLock, wanted: boolean): string => `lock ${nameOf(lock, wanted)}`
