import * as z from 'zod'
import { DiskError, type Files } from '../platform/durable-file.ts'
import type { Log } from '../platform/logger.ts'
import type { KeptBudget } from '../rules/budget.ts'
import type { Waiver } from '../rules/interlock.ts'

/** What the interlock keeps over a restart of the agent: the use of the pause budget, and the bypasses in force. */
export interface Kept {
  readonly budget: KeptBudget | undefined
  readonly waivers: readonly Waiver[]
}

export interface Keeper {
  readonly kept: Kept
  /** A disk that refuses is logged: the device then stands longer after a restart, and never moves sooner. */
  keep(budget: KeptBudget, waivers: readonly Waiver[]): void
  /** Adds a line to the device's own audit. False when the disk refused. */
  audit(entry: Readonly<Record<string, unknown>>): boolean
}

const waiver = z.object({ id: z.string(), fence: z.int().min(0).exactOptional() })
const shape = z.object({
  budget: z.object({
    usedMs: z.number().min(0),
    at: z.number(),
    boot: z.string(),
    doing: z.enum(['standing', 'moving', 'neither'])
  }),
  waivers: z.array(waiver)
})

export interface KeeperOptions {
  readonly files: Files
  readonly stateDir: string
  readonly log: Log
}

/** Opens `interlock.json` and `audit.jsonl`. What cannot be read counts as nothing used and nothing waived. */
export function openKeeper({ files, stateDir, log }: KeeperOptions): Keeper {
  const path = `${stateDir}/interlock.json`
  const tolerating = (work: () => void): boolean => {
    try {
      work()
      return true
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      log.error({ event: 'interlock-not-kept', code: error.code }, error.message)
      return false
    }
  }
  let kept: Kept = { budget: undefined, waivers: [] }
  tolerating(() => {
    kept = parse(files.read(path), log)
  })
  return {
    kept,
    keep: (budget, waivers) =>
      void tolerating(() => files.write(path, `${JSON.stringify({ budget, waivers })}\n`)),
    audit: (entry) => tolerating(() => files.append(`${stateDir}/audit.jsonl`, JSON.stringify(entry)))
  }
}

function parse(text: string | undefined, log: Log): Kept {
  const nothing: Kept = { budget: undefined, waivers: [] }
  if (text === undefined) return nothing
  try {
    return shape.parse(JSON.parse(text))
  } catch (error) {
    const why = (error as Error).message.replaceAll(/\s+/g, ' ').slice(0, 200)
    log.warn(
      { event: 'interlock-unreadable', why },
      'interlock.json cannot be read: the pause budget is full'
    )
    return nothing
  }
}
