import type { Fleet } from './fleet.ts'

/** Waited after a quiet time before the next grant: a lost one may have been of a kind that no controller guards. */
export const LOST_GRANT_DELAY_MS = 10_000

/** When reclaims may begin: living owners are still coming back before, or a quiet time runs. */
export const reclaimsFrom = (fleet: Fleet): number => Math.max(fleet.opensAt, fleet.meta.quietUntil)

/** When grants may begin: after a quiet time, lost grants count with a delay of their own. */
export function grantsFrom(fleet: Fleet): number {
  const { quietUntil } = fleet.meta
  return Math.max(fleet.opensAt, quietUntil > 0 ? quietUntil + LOST_GRANT_DELAY_MS : 0)
}

/**
 * What is left of the time after a raise of the fences in which no hold falls: a lost grant ends as any that its owner did not
 * report, and nothing moves before its lease and its delay have passed.
 */
export function quietLeftMs({ meta: { quietUntil } }: Fleet, now: number): number {
  return quietUntil > 0 ? Math.max(0, quietUntil + LOST_GRANT_DELAY_MS - now) : 0
}

/** The next moment at which reclaims or grants begin; Infinity when they have. */
export const openingAfter = (fleet: Fleet, now: number): number =>
  Math.min(
    ...[reclaimsFrom(fleet), grantsFrom(fleet)].map((at) => (now < at ? at : Number.POSITIVE_INFINITY))
  )
