import type { Fleet } from '../rules/fleet.ts'
import type { StartFacts } from '../rules/start.ts'
import type { Retained } from './retained.ts'
import type { Store } from './store.ts'

export interface Witnesses {
  readonly fleet: Fleet
  readonly store: Store
  /** The upper bound of fences in the file beside the store. */
  readonly fileLimit: number
  readonly retained: Retained
}

/** What store, fence file and broker together tell at a start. */
export function startFacts(
  { fleet, store, fileLimit, retained }: Witnesses,
  { boot, instance }: { readonly boot: string; readonly instance: string }
): StartFacts {
  const { status, knownFence, knownTerm } = retained
  const knownLimit = Math.max(fileLimit, status?.fenceLimit ?? 0)
  // The store is written before file and status: one that is ahead proves that the store is not the newest.
  const lost = knownLimit > fleet.meta.fenceLimit ? knownLimit - 1 : 0
  const lastBoot = store.lastBoot()
  return {
    rebooted: lastBoot !== undefined && lastBoot !== boot,
    knownFence: Math.max(knownFence, lost),
    knownLimit,
    knownTerm,
    noWitness: status === undefined && fileLimit === 0,
    instance
  }
}
