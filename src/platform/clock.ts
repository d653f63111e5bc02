import { closeSync, openSync, readSync } from 'node:fs'
import { createBootTime } from './boot-time.ts'

/** A timer that has been set and can be called off. */
export interface Timer {
  cancel(): void
}

/**
 * Time, handed in wherever it matters. Leases, deadlines and ages use `now`; wall time is for people and for the
 * comment line of a file, never for a decision.
 */
export interface Clock {
  /**
   * Milliseconds since the machine started, on a clock that neither jumps with NTP nor stops in suspend. Two processes
   * of one boot agree to within 10 ms; readings of different boots (`bootId`) cannot be compared.
   */
  now(): number
  /** Wall-clock time, for people only. */
  wall(): Date
  /**
   * Calls `run` once, not before `ms` milliseconds have passed on this clock, and within a second of a wake from
   * suspend when they passed in it. The system clock's timers do not keep the process alive by themselves unless it
   * was made with `keepAlive`.
   */
  after(ms: number, run: () => void): Timer
}

export interface SystemClockOptions {
  /** Pending timers keep the process alive. */
  readonly keepAlive?: boolean
  /** Where the kernel tells the time since boot, suspend included. Without it the clock stops in suspend. */
  readonly uptimePath?: string
  /** Wall-clock time in milliseconds; goes on in suspend, and may be set by anybody at any time. */
  readonly wallMs?: () => number
}

/** A suspend moves the wall clock against the one that stops; one that hides in a correction of the wall clock is found this late. */
const askKernelEveryMs = 50
const wallMovedMs = 2

/** Timers of Node stop in suspend: a longer wait is looked at again this often. */
const longestNapMs = 1000

/**
 * The clock of this machine. A reading asks the kernel for the time since boot (1.5 µs) only when the wall clock has moved
 * against the monotonic one, as it does in any suspend, or when the last answer is 50 ms old; else it costs 0.1 µs.
 */
export function systemClock(options: SystemClockOptions = {}): Clock {
  const { keepAlive = false, uptimePath = '/proc/uptime', wallMs = Date.now } = options
  const uptime = openUptime(uptimePath)
  const now =
    uptime === undefined ? monotonicMs : createBootTime(() => performance.now(), uptime, suspendHint(wallMs))
  return {
    now,
    wall: () => new Date(),
    after: (ms, run) => startTimer({ ms, due: now() + ms, now, keepAlive }, run)
  }
}

/** Whether the machine may have been suspended since the last time that this said yes. */
function suspendHint(wallMs: () => number): () => boolean {
  let askedAt = Number.NEGATIVE_INFINITY
  let apart = 0
  return () => {
    const monotonic = performance.now()
    const nowApart = wallMs() - monotonic
    if (monotonic - askedAt < askKernelEveryMs && Math.abs(nowApart - apart) < wallMovedMs) return false
    askedAt = monotonic
    apart = nowApart
    return true
  }
}

/** CLOCK_MONOTONIC since boot: equal to the time since boot, less the time in suspend. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

interface TimerPlan {
  readonly ms: number
  readonly due: number
  readonly now: () => number
  readonly keepAlive: boolean
}

function startTimer(plan: TimerPlan, run: () => void): Timer {
  let handle: NodeJS.Timeout
  const nap = (leftMs: number): void => {
    handle = setTimeout(wake, Math.min(Math.max(0, Math.ceil(leftMs)), longestNapMs))
    if (!plan.keepAlive) handle.unref()
  }
  const wake = (): void => {
    const leftMs = plan.due - plan.now()
    if (leftMs > 0) nap(leftMs)
    else run()
  }
  nap(plan.ms)
  return { cancel: () => clearTimeout(handle) }
}

/** Reads `/proc/uptime` through a descriptor that stays open; undefined where there is none. */
function openUptime(path: string): (() => number) | undefined {
  const bytes = Buffer.alloc(32)
  try {
    const fd = openSync(path, 'r')
    const read = (): number => parseUptimeMs(bytes, readSync(fd, bytes, 0, bytes.length, 0))
    if (Number.isFinite(read())) return read
    closeSync(fd)
  } catch {
    // No /proc: the caller falls back.
  }
  return undefined
}

/** `12345.67 …` as milliseconds, digit by digit: this runs at every reading of the clock. NaN when it is something else. */
function parseUptimeMs(bytes: Uint8Array, length: number): number {
  let hundredths = 0
  for (let at = 0; at < length; at += 1) {
    const code = bytes[at] ?? 0
    if (code === 0x20) return at === 0 ? Number.NaN : hundredths * 10
    if (code >= 0x30 && code <= 0x39) hundredths = hundredths * 10 + (code - 0x30)
    else if (code !== 0x2e) return Number.NaN
  }
  return Number.NaN
}
