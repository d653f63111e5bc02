const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export interface Stopper {
  readonly signal: AbortSignal
  /** Asks for an orderly end, as Ctrl-C does. */
  stop(why: string): void
}

/** The first Ctrl-C, SIGTERM or SIGHUP asks for an orderly end; the same one again ends the process as it would any other. */
export function listenForStop(): Stopper {
  const controller = new AbortController()
  const stop = (why: string): void => {
    if (!controller.signal.aborted) controller.abort(why)
  }
  for (const name of SIGNALS) process.once(name, () => stop(name))
  return { signal: controller.signal, stop }
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
