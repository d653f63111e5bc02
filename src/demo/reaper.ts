import { createInterface } from 'node:readline'

/**
 * A process that outlives the demo by a moment. It is told on its standard input which process groups the demo has begun
 * (`+PID`) and seen ended (`-PID`); when that input closes, for whatever reason, it kills those that are left. A stopped
 * child sees no end of its own input, so nobody but a third process can end it after the demo was killed.
 */
function reap(): void {
  const groups = new Set<number>()
  const lines = createInterface({ input: process.stdin })
  lines.on('line', (line) => {
    const pid = Number(line.slice(1))
    if (!Number.isInteger(pid) || pid < 2) return
    if (line.startsWith('+')) groups.add(pid)
    else groups.delete(pid)
  })
  lines.on('close', () => {
    for (const pid of groups) kill(pid)
  })
}

function kill(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Already gone.
  }
}

reap()
// Ctrl-C and a closing terminal are for the demo; this process ends when the demo has.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined)
