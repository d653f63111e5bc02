import cron from 'node-cron'

/** Runs something by a cron expression (six fields: seconds first). For sweeps and calendar windows, never for leases: ticks can be late or lost. */
export function everyCron(expression: string, run: () => void): { stop(): void } {
  if (!cron.validate(expression)) throw new CronExpressionError(expression)
  const task = cron.schedule(expression, run, { noOverlap: true })
  return { stop: () => void task.destroy() }
}

export class CronExpressionError extends Error {
  constructor(expression: string) {
    super(`"${expression}" is not a cron expression, such as "*/5 * * * * *" for every five seconds`)
    this.name = 'CronExpressionError'
  }
}
