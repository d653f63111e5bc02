import { inspect } from 'node:util'

/** How long something that takes milliseconds may take on a machine that is busy with other tests. */
export const patienceMs = 45_000
const lookEveryMs = 10

/**
 * Looks until `look` returns something other than undefined, null or false (or stops throwing), and returns it.
 *
 * @param what completes the sentence "waited for …"
 * @throws after `deadlineMs`, with what was seen last
 */
export async function waitFor<T>(
  what: string,
  look: () => T | Promise<T>,
  deadlineMs: number = patienceMs
): Promise<NonNullable<Exclude<T, false>>> {
  const end = performance.now() + deadlineMs
  let last: unknown
  while (performance.now() < end) {
    try {
      last = await look()
      if (last !== undefined && last !== null && last !== false) return last as NonNullable<Exclude<T, false>>
    } catch (error) {
      last = error
    }
    await nap(lookEveryMs)
  }
  throw new Error(`waited ${deadlineMs} ms for ${what}; last seen: ${inspect(last, { depth: 4 })}`)
}

/** The promise's value, or an error that says what was waited for. */
export async function within<T>(
  what: string,
  promise: Promise<T>,
  deadlineMs: number = patienceMs
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Error(`waited ${deadlineMs} ms for ${what}; nothing came`)),
      deadlineMs
    )
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** What happened, in order; a test waits for an entry instead of sleeping. */
export interface Recorder<T> {
  readonly all: readonly T[]
  add(entry: T): void
  /** The first entry, old or new, for which `wanted` holds. */
  next(what: string, wanted: (entry: T) => boolean, deadlineMs?: number): Promise<T>
}

export function createRecorder<T>(): Recorder<T> {
  const all: T[] = []
  const next = (what: string, wanted: (entry: T) => boolean, deadlineMs?: number): Promise<T> =>
    waitFor(`${what} among what was recorded`, () => orShowAll(all, wanted), deadlineMs).then(
      (found) => found.entry
    )
  return { all, add: (entry) => void all.push(entry), next }
}

function orShowAll<T>(all: readonly T[], wanted: (entry: T) => boolean): { entry: T } {
  for (const entry of all) if (wanted(entry)) return { entry }
  throw new Error(`${all.length} entries, the last of them ${inspect(all.slice(-5), { depth: 4 })}`)
}

/** Lets whatever is due run before the caller goes on; not a way to wait for something. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function nap(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
