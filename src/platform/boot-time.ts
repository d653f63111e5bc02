/** The kernel tells the time since boot rounded down to this. */
const resolutionMs = 10

/**
 * Time since boot, suspend included, as finely as the first argument ticks.
 *
 * `monotonic` is fine but stops in suspend; `uptime` goes on but is coarse. Their difference is constant except when the
 * machine was suspended, and each pair of readings bounds it from both sides, whatever the scheduler did in between. Only
 * when these bounds leave the known ones was there a suspend; all else is rounding, and never makes the result jump.
 *
 * @param monotonic milliseconds, at least as fine as a millisecond
 * @param uptime milliseconds since boot, rounded down to 10 ms, or NaN when it could not be read just now (never the first time)
 * @param maySleep false when the machine cannot have been suspended since it was last asked; then the kernel is not asked either
 * @returns a function that reads both and never goes back; off by at most 10 ms, and by as much again per suspend
 */
export function createBootTime(
  monotonic: () => number,
  uptime: () => number,
  maySleep: () => boolean = () => true
): () => number {
  let known = boundOffset(monotonic, uptime)
  let offset = middle(known)
  return () => {
    if (!maySleep()) return monotonic() + offset
    const seen = boundOffset(monotonic, uptime)
    if (seen.low > known.high) {
      offset += middle(seen) - middle(known)
      known = seen
    } else if (seen.high < known.low) {
      // A restored snapshot: what was counted stays counted, and the next suspend is measured from here.
      known = seen
    } else {
      // A reading that was interrupted bounds loosely: keep the tightest bounds of this stretch.
      known = { ...seen, low: Math.max(seen.low, known.low), high: Math.min(seen.high, known.high) }
    }
    return seen.at + offset
  }
}

interface Bounds {
  /** The later of the two monotonic readings. */
  readonly at: number
  readonly low: number
  readonly high: number
}

function boundOffset(monotonic: () => number, uptime: () => number): Bounds {
  const before = monotonic()
  const up = uptime()
  const at = monotonic()
  if (Number.isNaN(up)) return { at, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY }
  return { at, low: up - at, high: up + resolutionMs - before }
}

function middle(bounds: Bounds): number {
  return (bounds.low + bounds.high) / 2
}
