/** The known word that differs least from what was typed; undefined when none is close enough to be meant. */
export function nearest(typed: string, known: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(typed.length / 3) + 1)
  const scored = known
    .map((word) => ({ word, steps: word.startsWith(typed) && typed !== '' ? 1 : distance(typed, word) }))
    .sort((a, b) => a.steps - b.steps)
  const best = scored[0]
  return best !== undefined && best.steps <= limit ? best.word : undefined
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
