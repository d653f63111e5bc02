import cron from 'node-cron'
import type { Clock, Timer } from './clock.ts'

interface Task {
  destroy(): unknown
}

export interface CronOptions {
  readonly clock: Clock
  /** Sets the expression going. */
  readonly schedule?: (expression: string, run: () => void) => Task
}

/** The wall clock is compared with the one that does not jump this often. */
const LOOK_MS = 5000
const JUMPED_MS = 1000

const schedule = (expression: string, run: () => void): Task =>
  cron.schedule(expression, run, { noOverlap: true })

/**
 * Runs something by a cron expression (six fields: seconds first). For sweeps and calendar windows, never for leases: ticks can
 * be late or lost. Cron waits for a time of the wall clock: when that is set back, it is begun anew, or it would be silent
 * until the old time comes again.
 */
export function everyCron(expression: string, run: () => void, options: CronOptions): { stop(): void } {
  if (!cron.validate(expression)) throw new CronExpressionError(expression)
  const { clock } = options
  const begin = (): Task => (options.schedule ?? schedule)(expression, run)
  const wallAhead = (): number => clock.wall().getTime() - clock.now()
  let task = begin()
  let ahead = wallAhead()
  let timer: Timer
  const look = (): void => {
    const before = ahead
    ahead = wallAhead()
    if (Math.abs(ahead - before) > JUMPED_MS) {
      task.destroy()
      task = begin()
    }
    timer = clock.after(LOOK_MS, look)
  }
  timer = clock.after(LOOK_MS, look)
  return {
    stop: () => {
      timer.cancel()
      task.destroy()
    }
  }
}

export class CronExpressionError extends Error {
  constructor(expression: string) {
    super(`"${expression}" is not a cron expression, such as "*/5 * * * * *" for every five seconds`)
    this.name = 'CronExpressionError'
  }
}
