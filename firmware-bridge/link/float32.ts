/**
 * The shortest decimal that has this binary32 value: 0.65 staged comes back as 0.65 and not as 0.6499999761581421. Nine
 * significant digits always suffice for a binary32.
 */
export function shortestOfFloat32(value: number): number {
  if (!Number.isFinite(value)) return value
  for (let digits = 1; digits < 9; digits++) {
    const candidate = Number(value.toPrecision(digits))
    if (Math.fround(candidate) === value) return candidate
  }
  return Number(value.toPrecision(9))
}
