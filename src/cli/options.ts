import { DURATION_FORM, formatDuration, parseDuration } from '../protocol/duration.ts'

/** One option of a verb, declared once: how it is read, what its help says, and where else its value may come from. */
export interface Option<T> {
  readonly kind: 'flag' | 'value'
  /** What stands for the value in the help: `URL`, `10m`. */
  readonly placeholder: string
  readonly help: string
  /** Also read from `LOCKSMITH_<NAME>` and from cli.toml. */
  readonly shared: boolean
  readonly fallback: string | undefined
  /** Throws an Error whose message completes "--name: …". `undefined`: given nowhere and no fallback. */
  readonly read: (text: string | undefined) => T
}

export type Options = Readonly<Record<string, Option<unknown>>>
export type Values<S extends Options> = { readonly [K in keyof S]: S[K] extends Option<infer T> ? T : never }

interface ValueSpec {
  readonly placeholder: string
  readonly help: string
  readonly shared?: boolean
}

export function flag(help: string): Option<boolean> {
  const read = (text: string | undefined): boolean => text !== undefined
  return { kind: 'flag', placeholder: '', help, shared: false, fallback: undefined, read }
}

/** A value that may be left out. */
export function optional<T>(spec: ValueSpec, parse: (text: string) => T): Option<T | undefined> {
  const read = (text: string | undefined): T | undefined => (text === undefined ? undefined : parse(text))
  return { kind: 'value', shared: false, fallback: undefined, ...spec, read }
}

/** A value that is always there: given, or its fallback. */
export function withFallback<T>(
  spec: ValueSpec & { readonly fallback: string },
  parse: (text: string) => T
): Option<T> {
  return { kind: 'value', shared: false, ...spec, read: (text) => parse(text ?? spec.fallback) }
}

/** A value without which the verb makes no sense. */
export function required<T>(spec: ValueSpec, parse: (text: string) => T): Option<T> {
  const read = (text: string | undefined): T => {
    if (text === undefined) throw new Error(`is missing; give it as ${spec.placeholder}`)
    return parse(text)
  }
  return { kind: 'value', shared: false, fallback: undefined, ...spec, read }
}

export function asText(text: string): string {
  if (text === '') throw new Error('is empty')
  return text
}

/** Milliseconds. */
export function asDuration(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined) throw new Error(`"${text}" is no duration; ${DURATION_FORM}`)
  return ms
}

/** Milliseconds, within bounds. */
export const durationBetween =
  (leastMs: number, mostMs: number) =>
  (text: string): number => {
    const ms = asDuration(text)
    if (ms >= leastMs && ms <= mostMs) return ms
    throw new Error(`must lie between ${formatDuration(leastMs)} and ${formatDuration(mostMs)}`)
  }

/** A whole number within bounds. */
export const countBetween =
  (least: number, most: number) =>
  (text: string): number => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most) return value
    throw new Error(`must be a whole number from ${least} to ${most}, not "${text}"`)
  }
