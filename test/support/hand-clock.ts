import type { Clock } from '../../src/platform/clock.ts'
import { HandTimers } from './hand-timers.ts'

/** A clock for everything that wants one: it moves only when a test says so. */
export class HandClock extends HandTimers implements Clock {
  wall(): Date {
    return new Date(Date.UTC(2026, 10, 24, 3, 12) + this.now())
  }
}
