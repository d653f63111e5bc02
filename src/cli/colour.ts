/** Colours carry no meaning of their own: every one of them repeats what a word says. */
export interface Colour {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly red: (text: string) => string
  readonly green: (text: string) => string
  readonly yellow: (text: string) => string
}

export function createColour(on: boolean): Colour {
  const paint =
    (code: number, end: number) =>
    (text: string): string =>
      on ? `\x1b[${code}m${text}\x1b[${end}m` : text
  return {
    bold: paint(1, 22),
    dim: paint(2, 22),
    red: paint(31, 39),
    green: paint(32, 39),
    yellow: paint(33, 39)
  }
}
