import { LOCK_STATES, STEP_STATES } from './states.ts'

/** How often a fault was injected while a device or a lock was in a state: by state, then by fault. */
export type PairCounts = Record<string, Record<string, number>>

export interface Pair {
  readonly state: string
  readonly fault: string
  readonly count: number
}

export function countPair(pairs: PairCounts, state: string, fault: string): void {
  const row = pairs[state] ?? {}
  row[fault] = (row[fault] ?? 0) + 1
  pairs[state] = row
}

export function addPairs(sum: PairCounts, added: PairCounts): void {
  for (const [state, row] of Object.entries(added)) {
    const into = sum[state] ?? {}
    for (const [fault, count] of Object.entries(row)) into[fault] = (into[fault] ?? 0) + count
    sum[state] = into
  }
}

/** Every pair that can be, the rarest first, those never met among them. */
export function allPairs(counts: PairCounts, faults: readonly string[]): readonly Pair[] {
  const pairs = [...STEP_STATES, ...LOCK_STATES].flatMap((state) =>
    faults.map((fault) => ({ state, fault, count: counts[state]?.[fault] ?? 0 }))
  )
  return pairs.sort((a, b) => a.count - b.count)
}
