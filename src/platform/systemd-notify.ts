import { execFile } from 'node:child_process'

/** What this process tells systemd about itself. Every promise resolves, also when systemd cannot be told. */
export interface Notifier {
  /** How often `watchdog` must be called; undefined when systemd does not watch. Half of what the unit allows. */
  readonly watchdogEveryMs: number | undefined
  ready(status: string): Promise<void>
  status(text: string): Promise<void>
  watchdog(): Promise<void>
  stopping(status: string): Promise<void>
}

const answerWithinMs = 2000

/**
 * Speaks through the program `systemd-notify`, because Node has no datagram sockets of this kind; the unit needs
 * `NotifyAccess=all`. Does nothing when systemd did not ask for it.
 */
export function createNotifier(env: NodeJS.ProcessEnv = process.env): Notifier {
  const queue = { last: Promise.resolve() }
  const send = (...words: readonly string[]): Promise<void> => {
    if (!env.NOTIFY_SOCKET) return Promise.resolve()
    // One after another, so that an older status never replaces a newer one.
    queue.last = queue.last.then(() => notify(words, env))
    return queue.last
  }
  return {
    watchdogEveryMs: watchdogEveryMs(env),
    ready: (status) => send('--ready', `--status=${status}`),
    status: (text) => send(`--status=${text}`),
    watchdog: () => send('WATCHDOG=1'),
    stopping: (status) => send('STOPPING=1', `--status=${status}`)
  }
}

function notify(words: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const oneLine = words.map((word) => word.replaceAll(/\s+/g, ' '))
  return new Promise((resolve) => {
    execFile('systemd-notify', oneLine, { env, timeout: answerWithinMs, killSignal: 'SIGKILL' }, () =>
      resolve()
    )
  })
}

/** `WATCHDOG_PID` names the process that is meant, when it is there. */
function watchdogEveryMs(env: NodeJS.ProcessEnv): number | undefined {
  const { WATCHDOG_USEC, WATCHDOG_PID } = env
  if (WATCHDOG_PID !== undefined && WATCHDOG_PID !== String(process.pid)) return undefined
  const allowedMs = Number(WATCHDOG_USEC) / 1000
  return Number.isFinite(allowedMs) && allowedMs > 0 ? allowedMs / 2 : undefined
}
