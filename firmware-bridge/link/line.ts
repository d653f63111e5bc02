/** Time, handed in. `after` runs once, not before `ms` milliseconds have passed on the clock that `now` reads. */
export interface Timers {
  /** Milliseconds since some fixed moment, on a clock that does not jump. */
  now(): number
  after(ms: number, run: () => void): { cancel(): void }
}

/** None of them is called from within `open`, `write` or `close` itself. */
export interface LineHandlers {
  /** The port is open; bytes written from now on go out. */
  readonly opened: () => void
  readonly data: (bytes: Uint8Array) => void
  /** Opening failed, or the line is gone. Called at most once, and not after `close()`. `why` says what happened and what to do. */
  readonly closed: (why: string) => void
}

/**
 * A stream of bytes to one controller, good for one life: opened once, closed once, never opened again. What is written
 * before it is open or after it is closed is dropped, so that nothing is ever delivered later than it was meant.
 */
export interface Line {
  open(handlers: LineHandlers): void
  write(bytes: Uint8Array): void
  /** Resolves, within a bounded time, when the port may be opened by somebody else. Harmless when called again. */
  close(): Promise<void>
}
