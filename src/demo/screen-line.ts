export type Paint = (text: string) => string

/** A run of text in one colour. */
export interface Span {
  readonly text: string
  readonly paint?: Paint
}

export type ScreenLine = readonly (Span | string)[]

/** What others wrote is shown, never obeyed: no control character reaches the terminal, and every character is one column wide. */
const tame = (text: string): string => text.replaceAll(/[^\x20-\x7e\xa1-\u024f…]/gu, '?')

/** The line in colours, at most `width` columns; what does not fit is cut off, with an ellipsis. */
export function paintLine(line: ScreenLine, width: number): string {
  const spans = line.map((span) => (typeof span === 'string' ? { text: span } : span))
  const length = spans.reduce((sum, { text }) => sum + [...text].length, 0)
  let room = length > width ? width - 1 : width
  const parts = spans.map(({ text, paint }: Span) => {
    const shown = [...tame(text)].slice(0, room).join('')
    room -= [...shown].length
    return paint === undefined || shown === '' ? shown : paint(shown)
  })
  return `${parts.join('')}${length > width ? '…' : ''}`
}

/** Exactly `width` columns: padded, or cut with an ellipsis. */
export const column = (text: string, width: number): string =>
  text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text.padEnd(width)
