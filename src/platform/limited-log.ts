import type { Clock, Timer } from './clock.ts'
import { LineLimit, type LinePlan } from './line-limit.ts'
import type { Log, LogFields, LogLevel } from './logger.ts'

/** So that one fault, whoever causes it, cannot fill a disk: about 1,500 lines a day and kind. */
const PLAN: LinePlan = { first: 5, everyMs: 60_000, kinds: 1000 }

/** By event: of which of its lines it counts as one kind, a principal's or a topic's for example. Other events are never limited. */
export type Limited = Readonly<Record<string, (fields: LogFields) => unknown>>

export interface LimitedLog extends Log {
  /** Tells what was left out until now; nothing more happens by time. */
  readonly close: () => void
}

interface Line {
  readonly level: LogLevel
  readonly fields: LogFields
  readonly message: string
}

/** A log in which events that anybody on the broker can cause are said a few times, and then counted. */
export function limitedLog(log: Log, clock: Clock, limited: Limited, plan: LinePlan = PLAN): LimitedLog {
  const limit = new LineLimit(plan)
  const latest = new Map<string, Line>()
  let timer: Timer | undefined

  const tell = (all: boolean): void => {
    for (const { kind, leftOut } of limit.take(clock.now(), all)) {
      const { level, fields, message } = latest.get(kind) as Line
      latest.delete(kind)
      log[level]({ ...fields, leftOut }, `${leftOut} more like this were left out: ${message}`)
    }
  }
  const tellWhenDue = (): void => {
    if (timer !== undefined) return
    const at = limit.nextAt()
    if (at === undefined) return
    timer = clock.after(Math.max(1, at - clock.now()), () => {
      timer = undefined
      tell(false)
      tellWhenDue()
    })
  }
  const say = (level: LogLevel, fields: LogFields, message: string): void => {
    const event = String(fields.event)
    const kindOf = Object.hasOwn(limited, event) ? limited[event] : undefined
    if (kindOf === undefined) return log[level](fields, message)
    // A flood under ever new names takes nothing from other events.
    const { kind, said } = limit.admit(`${event} ${String(kindOf(fields))}`, clock.now(), event)
    if (said) return log[level](fields, message)
    latest.set(kind, { level, fields, message })
    tellWhenDue()
  }
  return {
    debug: (fields, message) => say('debug', fields, message),
    info: (fields, message) => say('info', fields, message),
    warn: (fields, message) => say('warn', fields, message),
    error: (fields, message) => say('error', fields, message),
    close: () => {
      timer?.cancel()
      tell(true)
    }
  }
}
