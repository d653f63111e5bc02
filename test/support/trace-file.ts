import { existsSync, readFileSync } from 'node:fs'
import type { Trace } from '../../firmware-bridge/firmware/trace.ts'
import { waitFor } from './wait.ts'

/** One line of `board --trace`: the firmware's own state, and the wall clock of that moment. */
export interface TraceLine extends Trace {
  readonly atMs: number
}

/** All whole lines of a board's trace, oldest first. */
export function readTrace(file: string): TraceLine[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.slice(0, -1).map((line) => JSON.parse(line) as TraceLine)
}

/** Waits for the first line, among those after the moment `sinceMs` of the wall clock, that is as wanted. */
export function awaitTrace(
  file: string,
  what: string,
  { sinceMs, wanted }: { readonly sinceMs: number; readonly wanted: (line: TraceLine) => boolean }
): Promise<TraceLine> {
  return waitFor(`a trace that shows ${what}`, () =>
    readTrace(file).find((line) => line.atMs > sinceMs && wanted(line))
  )
}
