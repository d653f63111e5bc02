import { createNotifier, type Notifier } from '../platform/systemd-notify.ts'

/** Tells systemd that the process is ready, and, if it watches, again and again that the event loop turns. */
export function keepSystemdInformed(env: Readonly<Record<string, string | undefined>>): Notifier {
  const notifier = createNotifier({ ...env })
  if (notifier.watchdogEveryMs === undefined) return notifier
  const timer = setInterval(() => void notifier.watchdog(), notifier.watchdogEveryMs)
  timer.unref()
  return notifier
}
