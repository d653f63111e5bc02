import type { Stage } from './stage.ts'
import type { Selection } from './transcript.ts'

/** A protocol story: what it shows and what to look for, and the script that plays it. */
export interface Story {
  /** Of the file with its transcript. */
  readonly name: string
  /** Two sentences: what it shows, and what to look for. */
  readonly shows: string
  readonly lookFor: string
  readonly select?: Selection
  readonly play: (stage: Stage) => Promise<void>
}
