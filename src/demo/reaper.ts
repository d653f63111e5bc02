import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

/**
 * A process that outlives the demo by a moment (leash.ts starts it). It is told on its standard input which process groups
 * the demo has begun (`+PID`) and seen ended (`-PID`); when that input closes, for whatever reason, it kills those that are
 * left. A stopped child sees no end of its own input, so nobody but a third process can end it after the demo was killed.
 */
async function reap(orders: Readable): Promise<void> {
  const groups = new Set<number>()
  try {
    for await (const line of createInterface({ input: orders })) {
      const pid = Number(line.slice(1))
      if (!Number.isInteger(pid) || pid < 2) continue
      if (line.startsWith('+')) groups.add(pid)
      else groups.delete(pid)
    }
  } finally {
    for (const pid of groups) killGroup(pid)
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Already gone.
  }
}

// Ctrl-C and a closing terminal are for the demo; this process ends when the demo has.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined)
await reap(process.stdin)
