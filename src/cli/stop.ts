const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export interface Stopper {
  readonly signal: AbortSignal
  /** Asks for an orderly end, as Ctrl-C does. */
  stop(why: string): void
}

/** A terminal sends Ctrl-C to npm and to us, and npm hands its own on: the same key press arrives twice. */
const ECHO_MS = 500

/** The first Ctrl-C, SIGTERM or SIGHUP asks for an orderly end; the same one again ends the process as it would any other. */
export function listenForStop(): Stopper {
  const controller = new AbortController()
  const stop = (why: string): void => {
    if (!controller.signal.aborted) controller.abort(why)
  }
  for (const name of SIGNALS) {
    let heard = false
    const hear = oncePerPress(() => {
      stop(name)
      if (heard) {
        process.off(name, hear)
        process.kill(process.pid, name)
      }
      heard = true
    })
    process.on(name, hear)
  }
  return { signal: controller.signal, stop }
}

/** Hears each press of a key once, though its signal may arrive twice. */
export function oncePerPress(
  hear: (signal: NodeJS.Signals) => void,
  nowMs: () => number = () => performance.now()
): (signal: NodeJS.Signals) => void {
  const heardAt = new Map<NodeJS.Signals, number>()
  return (signal) => {
    const now = nowMs()
    if (now - (heardAt.get(signal) ?? Number.NEGATIVE_INFINITY) < ECHO_MS) return
    heardAt.set(signal, now)
    hear(signal)
  }
}

/** Resolves when one of the signals aborts, with the first of them; at once when one already has. */
export function anyAborted(...signals: readonly AbortSignal[]): Promise<AbortSignal> {
  const found = signals.find((signal) => signal.aborted)
  if (found !== undefined) return Promise.resolve(found)
  return new Promise((resolve) => {
    const done = new AbortController()
    for (const signal of signals) {
      const hear = (): void => {
        done.abort()
        resolve(signal)
      }
      signal.addEventListener('abort', hear, { once: true, signal: done.signal })
    }
  })
}
