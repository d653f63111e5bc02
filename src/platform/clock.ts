import { closeSync, openSync, readSync } from 'node:fs'

/** A timer that has been set and can be called off. */
export interface Timer {
  cancel(): void
}

/**
 * Time, handed in wherever it matters. Leases, deadlines and ages use `now`; wall time is for people and for the
 * comment line of a file, never for a decision.
 */
export interface Clock {
  /** Milliseconds since some fixed moment, on a clock that neither jumps with NTP nor stops in suspend. */
  now(): number
  /** Wall-clock time, for people only. */
  wall(): Date
  /** Calls `run` once, not before `ms` milliseconds have passed on this clock. Does not keep the process alive by itself unless `keepAlive`. */
  after(ms: number, run: () => void): Timer
}
