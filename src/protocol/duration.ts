/**
 * Durations as a person writes and reads them: `500ms`, `15s`, `10m`, `2h`. Everything else in the code is
 * milliseconds. Imports nothing, because the help of every verb reads it.
 */

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** The longest that is accepted: a slip of the keyboard shall not hold a fleet for a year. */
export const LONGEST_MS = 7 * 24 * 3_600_000

export const DURATION_FORM = 'write a number and its unit, such as 500ms, 15s, 10m or 2h (at most 7 days)'

/** Milliseconds, or undefined when the text is no duration. A bare number is none: its unit would be a guess. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(text.trim())
  const unitMs = UNIT_MS[match?.[2] ?? '']
  if (match === null || unitMs === undefined) return undefined
  const ms = Math.round(Number(match[1]) * unitMs)
  return ms <= LONGEST_MS ? ms : undefined
}

/** `350 ms`, `14 s`, `2 m 05 s`, `3 h 07 m`, `2 d 04 h`: two units at most, rounded down, so that an age never seems longer than it is. */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`
  if (ms < 1000) return `${Math.floor(ms)} ms`
  const s = Math.floor(ms / 1000)
  if (s < 60) return `${s} s`
  const two = (value: number): string => String(value).padStart(2, '0')
  if (s < 3600) return `${Math.floor(s / 60)} m ${two(s % 60)} s`
  const m = Math.floor(s / 60)
  if (m < 24 * 60) return `${Math.floor(m / 60)} h ${two(m % 60)} m`
  const h = Math.floor(m / 60)
  return `${Math.floor(h / 24)} d ${two(h % 24)} h`
}
