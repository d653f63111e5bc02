import { destination, pino, stdTimeFunctions } from 'pino'

export type LogFields = Readonly<Record<string, unknown>>

/** One line per event. The message is a sentence for people; what machines look for is in the fields, above all `event`. */
export interface Log {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface LoggerOptions {
  /** Who speaks: `agent`, `locksmith`, … */
  readonly name: string
  readonly level?: LogLevel
  /** 1 (stdout) unless stdout is for results, then 2. */
  readonly fd?: 1 | 2
}

/**
 * JSON lines, written before the call returns, so that nothing is lost at exit or kill -9. Under systemd they end up in
 * the journal. A reader that went away (`| head`) does no harm.
 */
export function createLogger(options: LoggerOptions): Log {
  const { name, level = 'info', fd = 1 } = options
  const out = destination({ dest: fd, sync: true })
  out.on('error', () => undefined)
  return pino(
    {
      level,
      base: { name, pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: serializeError }
    },
    out
  )
}

/** Keeps nothing: for the simulator and for tests that are not about the log. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined
}

function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { name, message, stack } = error
  return { name, message, stack, ...('code' in error ? { code: error.code } : {}) }
}
