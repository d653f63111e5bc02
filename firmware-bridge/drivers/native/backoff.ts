const shortestMs = 100
const longestMs = 5_000

/** How long to wait before attempt `attempt` (0, 1, …): doubling from 100 ms to 5 s, the upper half of it by chance. */
export function backoffMs(attempt: number, random: () => number): number {
  const ceilingMs = Math.min(longestMs, shortestMs * 2 ** Math.min(attempt + 1, 16))
  return (ceilingMs / 2) * (1 + random())
}
