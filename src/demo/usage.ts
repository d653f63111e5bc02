import { readFileSync } from 'node:fs'

export interface Usage {
  /** Processor time used, user and system. Milliseconds. */
  readonly cpuMs: number
  /** Resident memory. MiB. */
  readonly residentMiB: number
}

/** Linux counts processor time in ticks of 10 ms (USER_HZ is 100 on every platform that Node supports). */
const TICK_MS = 10

/** What these processes have used so far; those that are gone count nothing. */
export function usageOf(pids: readonly number[]): Usage {
  let cpuMs = 0
  let residentMiB = 0
  for (const pid of pids) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      cpuMs += (Number(fields[11]) + Number(fields[12])) * TICK_MS
      const resident = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
      residentMiB += Number(resident?.[1] ?? 0) / 1024
    } catch {
      // Gone since it was listed.
    }
  }
  return { cpuMs, residentMiB }
}
