import * as z from 'zod'
import { DiskError, type Files } from '../platform/durable-file.ts'
import type { Log } from '../platform/logger.ts'
import { lockFence } from '../protocol/messages.ts'
import { type Entry, emptyJournal, type JournalState, replay, STEPS, trimmed } from '../rules/change.ts'

/**
 * The journal of changes: one JSON line per entry, on disk before the step that it names is taken. It is trimmed when a
 * change has ended; what is still owed, and what is in doubt, stays.
 */
export interface Journal {
  readonly state: JournalState
  /** @throws DiskError; the entry is then not made, and its step must not be taken */
  append(entry: Entry): void
  /** For what has happened already: it counts from now on, also when the disk refuses to keep it. */
  note(entry: Entry): void
}

const count = z.int().min(0)
const change = z.object({
  push: z.string(),
  resource: z.string(),
  version: count,
  digest: z.string(),
  document: z.string(),
  by: z.string(),
  under: lockFence.nullable(),
  previous: z.object({ version: count, digest: z.string() }).nullable()
})
const failure = z.object({ code: z.string(), why: z.string() })
const open = z.object({
  change,
  step: z.enum(STEPS),
  fence: count,
  controllers: z.array(z.string()),
  failure: failure.nullable(),
  torn: z.boolean()
})
const outcome = z.object({
  push: z.string(),
  outcome: z.enum(['applied', 'refused', 'unverified']),
  code: z.string().nullable(),
  detail: z.string(),
  version: z.number().nullable()
})
const step = z.literal('step')

/** Every line that the journal may hold. */
const entry: z.ZodType<Entry> = z.union([
  z.object({ entry: step, step: z.literal('validate'), change }),
  z.object({ entry: step, step: z.literal('hold'), lock: z.string(), fence: count }),
  z.object({ entry: step, step: z.literal('stage'), controllers: z.array(z.string()) }),
  z.object({ entry: step, step: z.enum(['acquire', 'pause', 'commit', 'write', 'verify', 'release']) }),
  failure.extend({ entry: z.literal('failed') }),
  z.object({
    entry: z.literal('end'),
    ending: z.enum(['applied', 'refused', 'rolled-back', 'unverified', 'put-off']),
    why: z.string(),
    outcome: outcome.nullable()
  }),
  z.object({
    entry: z.literal('resolved'),
    resource: z.string(),
    how: z.enum(['rolled-back', 'rolled-forward'])
  }),
  z.object({ entry: z.literal('noted'), push: z.string() }),
  z.object({ entry: z.literal('owed'), outcome }),
  z.object({ entry: z.literal('unverified'), change: open, why: z.string() })
])

export interface JournalOptions {
  readonly files: Files
  readonly path: string
  readonly log: Log
}

/** @throws DiskError when the file is there and cannot be read */
export function openJournal({ files, path, log }: JournalOptions): Journal {
  const lines = (files.read(path) ?? '').split('\n').filter((line) => line !== '')
  let state = lines.reduce((before, line) => replay(before, parseLine(line, log)), emptyJournal)
  // What the disk has refused so far. It goes first: an entry that stood on top of a gap would be read as something else.
  let unkept: readonly string[] = []
  const flush = (): void => {
    for (const line of unkept) {
      files.append(path, line)
      unkept = unkept.slice(1)
    }
  }
  const keep = (added: Entry): void => {
    state = replay(state, added)
    const settled = added.entry !== 'step' && added.entry !== 'failed' && state.open === null
    if (settled && trim({ files, path, log }, state)) unkept = []
  }
  return {
    get state() {
      return state
    },
    append: (added) => {
      flush()
      files.append(path, JSON.stringify(added))
      keep(added)
    },
    note: (added) => {
      unkept = [...unkept, JSON.stringify(added)]
      tolerating(log, flush)
      keep(added)
    }
  }
}

function parseLine(line: string, log: Log): Entry | undefined {
  try {
    const parsed = entry.safeParse(JSON.parse(line))
    if (parsed.success) return parsed.data
  } catch {
    // A power cut tore it: its step was not taken.
  }
  log.warn(
    { event: 'journal-line-unreadable', line: line.slice(0, 200) },
    'a line of the journal cannot be read'
  )
  return undefined
}

/** A journal that could not be trimmed is longer than it need be, and says the same. */
function trim({ files, path, log }: JournalOptions, state: JournalState): boolean {
  const text = trimmed(state).map((kept) => `${JSON.stringify(kept)}\n`)
  return tolerating(log, () => files.write(path, text.join('')))
}

/** False when the disk refused. */
function tolerating(log: Log, work: () => void): boolean {
  try {
    work()
    return true
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
    log.error({ event: 'journal-not-kept', code: error.code }, error.message)
    return false
  }
}
