/**
 * Before a device resumes, what it can tell of position and speed has to satisfy the limits of its configuration: a geofence
 * that was drawn in around it must not set it going outside.
 */
export interface Measured {
  /** `position`, `speed`, `height`, … */
  readonly what: string
  readonly value: number
  readonly min: number
  readonly max: number
  readonly unit: string
}

/** Which limit is not met, in words; undefined when all are. What cannot be read as a number meets none. */
export function beyondLimits(measured: readonly Measured[]): string | undefined {
  const found = measured.find(({ value, min, max }) => !(value >= min && value <= max))
  if (found === undefined) return undefined
  const { what, value, min, max, unit } = found
  return `${what} is ${value} ${unit}, its configuration allows ${min} to ${max}`
}
