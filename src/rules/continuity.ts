import type { Fleet } from './fleet.ts'
import { orphan, putLock } from './lock.ts'

/**
 * What keeps fences growing when the store has lost something: whoever knows of a higher granted fence than the store does
 * proves that grants are missing from it.
 */

/** Fences reserved at a time; the upper bound is durable, in the store and outside it, before the first of them is granted. */
export const FENCE_BLOCK = 1000

/** A larger jump is a broken or hostile speaker, not a lost store. */
const BELIEVABLE_JUMP = 2 ** 32

export const isBelievable = (claimed: number, stored: number): boolean =>
  Number.isSafeInteger(claimed) && claimed - stored <= BELIEVABLE_JUMP

export interface Claim {
  readonly from: string
  /** Highest fence that the speaker and its controllers know to have been granted. */
  readonly knownFence: number
  /** Highest term that it has heard of: it takes no word of an earlier one. */
  readonly knownTerm?: number | undefined
}

/** False when the speaker's claim is not believed: it is logged, and blocks that speaker only. */
export function believeClaim(fleet: Fleet, { from, knownFence, knownTerm = 0 }: Claim, now: number): boolean {
  const { fenceHigh, term } = fleet.meta
  const laterTerm = knownTerm > term && isBelievable(knownTerm, term)
  if (knownFence <= fenceHigh && !laterTerm) return true
  if (!isBelievable(knownFence, fenceHigh)) {
    fleet.log('error', 'unbelievable-fence', { from, fence: knownFence, highest: fenceHigh })
    return false
  }
  const known = Math.max(knownFence, fenceHigh)
  raiseFences(fleet, { known, by: from, term: laterTerm ? knownTerm : term }, now)
  return true
}

interface Evidence {
  /** Highest fence that is known to have been granted. */
  readonly known: number
  /** Highest term that somebody has heard of. */
  readonly term?: number
  readonly by: string
}

/**
 * The store has lost grants: term and fences are raised above all that anybody knows, every grant is orphaned, and one ttl
 * passes in which nothing is granted or reclaimed and no hold falls.
 */
export function raiseFences(fleet: Fleet, { known, by, term = 0 }: Evidence, now: number): void {
  const { meta, options } = fleet
  const next = Math.max(known, meta.fenceLimit) + FENCE_BLOCK
  fleet.meta = {
    ...meta,
    term: Math.max(meta.term, term) + 1,
    fenceNext: next,
    fenceLimit: next,
    // Lifted fences are told to everybody, who will name them as known.
    fenceHigh: next - 1,
    quietUntil: now + options.ttlMs
  }
  // No floor lies below the raise, and none above the next fence: a held lock's is fence + 1 once it has ended.
  const ending = { cause: 'fences-raised', leaseUntil: now + options.ttlMs } as const
  for (const lock of [...fleet.locks.values()]) {
    if (lock.state === 'held') orphan(fleet, { ...lock, fence: next - 1 }, ending, now)
    else putLock(fleet, { ...lock, floor: next })
  }
  fleet.effect({
    do: 'audit',
    entry: { what: 'fences-raised', by, detail: { known, next, stored: meta.fenceHigh } }
  })
  fleet.log('error', 'fences-raised', {
    by,
    known,
    stored: meta.fenceHigh,
    why: 'the store has lost grants (a backup was restored?); every lock is orphaned',
    quietMs: options.ttlMs
  })
}

/** How a Locksmith names itself: `instance` is its store's for ever, `life` is this process. */
export interface LocksmithWord {
  readonly instance: string
  /** Absent in the word of an older version. */
  readonly life?: string | undefined
  readonly term: number
  /** Highest fence that it knows to have been granted. */
  readonly fenceHigh: number
}

export interface HeardWord extends LocksmithWord {
  /** It served when it said so. */
  readonly up: boolean
}

type Meaning = 'nothing' | 'taken-over' | 'lost-start'

/**
 * What a status that is heard while serving means. A later one that is up has taken the fleet over, and this one ends: whether
 * its store is another or a copy of this one. Own words, and those of earlier lives, are nothing new.
 */
export function meaningOf(own: LocksmithWord, heard: HeardWord): Meaning {
  if (heard.life === own.life || !isBelievable(heard.term, own.term)) return 'nothing'
  if (heard.instance === own.instance) return meaningOfSame(own, heard)
  if (heard.term !== own.term) return heard.term > own.term ? 'taken-over' : 'nothing'
  // Both began at one moment, from the same term: exactly one of them goes on.
  return heard.instance > own.instance ? 'taken-over' : 'nothing'
}

/**
 * Of two copies of one store the later one has read what the earlier one granted, so it goes on. One that has ended since, that
 * began from the same term, or that knows of more grants may have granted what this store lacks.
 */
function meaningOfSame(own: LocksmithWord, heard: HeardWord): Meaning {
  const grantedMore = heard.fenceHigh > own.fenceHigh && isBelievable(heard.fenceHigh, own.fenceHigh)
  if (heard.term < own.term) return grantedMore ? 'lost-start' : 'nothing'
  const isLater = heard.term > own.term || (heard.life ?? '') > (own.life ?? '')
  return heard.up && isLater ? 'taken-over' : 'lost-start'
}

/** Raises the fences above all that another life of this store may have granted. */
export function loseStart(
  fleet: Fleet,
  heard: HeardWord & { readonly fenceLimit: number },
  now: number
): void {
  const { fenceHigh } = fleet.meta
  const bounds = [heard.fenceHigh, heard.fenceLimit - 1].filter((fence) => isBelievable(fence, fenceHigh))
  const known = Math.max(fenceHigh, ...bounds)
  raiseFences(fleet, { known, by: `status of ${heard.life ?? heard.instance}`, term: heard.term }, now)
}
