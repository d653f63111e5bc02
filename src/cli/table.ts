export interface Cell {
  readonly text: string
  readonly paint?: (text: string) => string
}

const GAP = '  '
const LEAST = 6

/** A plain table. When it is wider than `width`, the widest columns are shortened, with an ellipsis, until it fits. */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly (string | Cell)[])[],
  width = 80
): string {
  const cells = [head, ...rows].map((row) =>
    row.map((cell) => (typeof cell === 'string' ? { text: cell } : cell))
  )
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.text.length ?? 0)))
  fit(widths, width - GAP.length * (head.length - 1))
  return cells.map((row) => renderRow(row, widths)).join('\n')
}

function fit(widths: number[], room: number): void {
  const total = (): number => widths.reduce((sum, one) => sum + one, 0)
  while (total() > room) {
    const widest = widths.indexOf(Math.max(...widths))
    if ((widths[widest] ?? 0) <= LEAST) return
    widths[widest] = (widths[widest] ?? 0) - 1
  }
}

function renderRow(row: readonly Cell[], widths: readonly number[]): string {
  const last = row.length - 1
  return row
    .map(({ text, paint }, column) => {
      const width = widths[column] ?? 0
      const short = text.length > width ? `${text.slice(0, width - 1)}…` : text
      const padding = column === last ? '' : ' '.repeat(width - short.length)
      return `${paint === undefined ? short : paint(short)}${padding}`
    })
    .join(GAP)
    .trimEnd()
}
