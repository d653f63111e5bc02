import { type Colour, createColour } from './colour.ts'

/** Where a command's results and its words for people go. */
export interface Output {
  readonly json: boolean
  readonly colour: Colour
  /** For people; nothing with `--json`. */
  print(text: string): void
  /** A result for scripts, one line; nothing without `--json`. */
  data(value: unknown): void
  /** A result that is one JSON line in either mode. */
  line(value: unknown): void
  /** On stderr: progress and advice. */
  note(text: string): void
}

interface Stream {
  readonly isTTY?: boolean
  write(text: string): unknown
}

export interface OutputOptions {
  readonly json: boolean
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: Stream
  readonly stderr: Stream
}

export function createOutput({ json, env, stdout, stderr }: OutputOptions): Output {
  const colour = createColour(!json && stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb')
  const line = (value: unknown): void => void stdout.write(`${JSON.stringify(value)}\n`)
  return {
    json,
    colour,
    print: (text) => {
      if (!json) stdout.write(`${text}\n`)
    },
    data: (value) => {
      if (json) line(value)
    },
    line,
    note: (text) => void stderr.write(`${text}\n`)
  }
}
