import { MAX_PAGE_BYTES } from '../protocol/messages.ts'

export interface Page {
  readonly items: readonly unknown[]
  /** The last key of a page that is not the last one. */
  readonly next: string | null
}

/** A list that is made as far as it is asked for. */
export interface Listing {
  readonly keys: readonly string[]
  readonly view: (key: string) => unknown
}

const ascending = (a: string, b: string): number => (a < b ? -1 : 1)

export const whole = ({ keys, view }: Listing): readonly unknown[] => [...keys].sort(ascending).map(view)

/**
 * What follows a key, until the page is full: at least one item. Only what is on the page is made. Between two pages the list
 * may change: what is there all the time is listed once, what comes or goes meanwhile may or may not be.
 */
export function pageAfter({ keys, view }: Listing, after: string): Page {
  const rest = keys.filter((key) => key > after).sort(ascending)
  const items: unknown[] = []
  let bytes = 0
  for (const key of rest) {
    const item = view(key)
    items.push(item)
    bytes += JSON.stringify(item).length
    if (bytes >= MAX_PAGE_BYTES) break
  }
  return { items, next: items.length < rest.length ? (rest[items.length - 1] ?? null) : null }
}
