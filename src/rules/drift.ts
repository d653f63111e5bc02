/**
 * No two clocks run alike. A system's clock may be steered by 500 parts per million either way (the limit of adjtimex, which
 * also holds for the clock since boot), so that two of them part by a thousandth at most. Whoever was lent a time counts a
 * thousandth less of it: it stops first, however its clock runs.
 */
const APART = 1 / 1000

/** What of a lease of so many milliseconds its owner may use. */
export const usableMs = (leaseMs: number): number => leaseMs * (1 - APART)
