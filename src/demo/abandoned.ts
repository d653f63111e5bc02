const LOOK_EVERY_MS = 500

/**
 * Aborts when the npm that started this process is gone: it was killed, and Ctrl-C would reach nobody any more. Never
 * aborts for a process that was started by other means, which may well outlive its shell on purpose.
 */
export function whenAbandoned(env: Readonly<Record<string, string | undefined>>): AbortSignal {
  const controller = new AbortController()
  if (env.npm_lifecycle_event === undefined) return controller.signal
  const parent = process.ppid
  const looking = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(looking)
    controller.abort('npm, which started the demo, is gone')
  }, LOOK_EVERY_MS)
  looking.unref()
  return controller.signal
}
