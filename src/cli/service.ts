import { flushCompileCache } from 'node:module'
import type { Clock } from '../platform/clock.ts'
import { createNotifier, type Notifier } from '../platform/systemd-notify.ts'

/** Tells systemd that the process is ready, and, if it watches, again and again that the event loop turns. */
export function keepSystemdInformed(env: Readonly<Record<string, string | undefined>>): Notifier {
  const notifier = createNotifier({ ...env })
  if (notifier.watchdogEveryMs === undefined) return notifier
  const timer = setInterval(() => void notifier.watchdog(), notifier.watchdogEveryMs)
  timer.unref()
  return notifier
}

/**
 * Keeps what Node has compiled for the next start, in the folder that NODE_COMPILE_CACHE names; without it nothing happens. At
 * the end would be too late: a service may be killed.
 */
export const keepCompiled = (): void => flushCompileCache()

/** Below the time that systemd leaves a service to stop. */
const STOP_WITHIN_MS = 12_000

/** Waits for an orderly end, but not for ever. */
export async function endWithin(clock: Clock, ending: Promise<void>, overdue: () => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = clock.after(STOP_WITHIN_MS, () => {
      overdue()
      resolve()
    })
    ending.then(resolve, reject).finally(() => timer.cancel())
  })
}
