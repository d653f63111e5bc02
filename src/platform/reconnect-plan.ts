export type ProtocolVersion = 4 | 5

/** What the next attempt to connect will be, decided from how the last one ended. */
export interface Attempt {
  readonly version: ProtocolVersion
  /** Attempts in a row that came to nothing, and connections that did not last. */
  readonly failures: number
  /** The other protocol version was turned away just before. */
  readonly swapped: boolean
  /** How long to wait before it. */
  readonly delayMs: number
}

export type Ending =
  /** The broker refused this protocol version, or cut the connection off where its answer should have come. */
  | { readonly kind: 'version' }
  /** Nobody there, no answer in time, not allowed in, … */
  | { readonly kind: 'failed' }
  /** A connection that had been up. */
  | { readonly kind: 'lost'; readonly livedMs: number }

export interface Backoff {
  readonly firstMs: number
  readonly longestMs: number
}

export const firstAttempt: Attempt = { version: 5, failures: 0, swapped: false, delayMs: 0 }

/** A connection that lived shorter counts as a failure, so that two clients of one id cannot evict each other in a tight loop. */
const lastingMs = 5000

/**
 * MQTT 5 first; the other version at once after a version was turned away, but only once without waiting. What worked
 * is kept.
 *
 * @param chance from 0 to 1; spreads a fleet that lost its broker in one moment
 */
export function nextAttempt(last: Attempt, ending: Ending, backoff: Backoff, chance: number): Attempt {
  if (ending.kind === 'version' && !last.swapped) {
    return { ...last, version: other(last.version), swapped: true, delayMs: 0 }
  }
  const version = ending.kind === 'version' ? other(last.version) : last.version
  const known = ending.kind === 'lost' && ending.livedMs >= lastingMs ? 0 : last.failures
  const spanMs = Math.min(backoff.longestMs, backoff.firstMs * 2 ** Math.min(known, 30))
  return { version, failures: known + 1, swapped: false, delayMs: (spanMs * (1 + chance)) / 2 }
}

function other(version: ProtocolVersion): ProtocolVersion {
  return version === 5 ? 4 : 5
}
