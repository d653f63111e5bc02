import fc from 'fast-check'
import { fuzzSeed } from './seed.ts'

/** How a run that failed is repeated. */
export const rerun = (seed: number): string => `FUZZ_SEED=${seed} npm test`

/** Checks a property on many inputs; a failure names its seed, the smallest input that shows it, and how to run it again. */
export function propertyOf<T>(title: string, property: fc.IProperty<T>, numRuns = 300): void {
  const seed = fuzzSeed()
  const details = fc.check(property, { seed, numRuns })
  if (details.failed)
    throw new Error(`${title}: seed ${seed}, again with: ${rerun(seed)}\n${fc.defaultReportMessage(details)}`)
}
