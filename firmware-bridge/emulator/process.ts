/**
 * Runs emulated boards until its parent is gone, its stdin ends, or it is told to stop:
 *
 *     node firmware-bridge/emulator/process.ts --config '{"boards":[{"name":"axis","link":"/tmp/axis"}]}'
 *
 * One JSON line on stdout says that the devices are there. After that each JSON line on stdin is a command (control.ts) and is
 * answered by one on stdout. Errors go to stderr; exit codes: 0 stopped, 1 could not go on, 78 bad configuration.
 */
import { fstatSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { Boards } from './boards.ts'
import { type ProcessConfig, parseConfig } from './config.ts'
import { obey } from './control.ts'
import { readFirmware } from './firmware-image.ts'
import { loadLibc } from './libc.ts'
import { warmUp } from './warm-up.ts'

const PARENT_CHECK_MS = 1000

function main(): void {
  const parent = process.ppid
  const libc = loadLibc()
  libc.continueOnParentDeath()
  let boards: Boards
  let config: ProcessConfig
  try {
    const { values } = parseArgs({ options: { config: { type: 'string' } } })
    config = parseConfig(values.config ?? '')
    const firmware = readFirmware(config.firmware)
    warmUp(firmware.flash)
    boards = new Boards(config.boards, {
      libc,
      firmware,
      now: () => performance.now(),
      wall: () => Date.now()
    })
  } catch (error) {
    complain(error, 78)
    process.stdin.destroy()
    return
  }
  const stop = (): void => {
    boards.close()
    clearInterval(parentCheck)
    process.stdin.destroy()
  }
  boards.start((error) => {
    complain(error, 1)
    stop()
  })
  const parentCheck = setInterval(() => {
    if (process.ppid !== parent) stop()
  }, PARENT_CHECK_MS)
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, stop)
  // Whoever reads may be gone before us; that is no reason to leave the links behind.
  process.stdout.on('error', stop)
  process.stderr.on('error', stop)
  listen(boards, stop)
  say(ready(config))
}

/** A pipe that ends is a parent that has died; a terminal or /dev/null on stdin says nothing of the kind. */
function listen(boards: Boards, stop: () => void): void {
  const stdin = fstatSync(0)
  if (!stdin.isFIFO() && !stdin.isSocket()) return
  const lines = createInterface({ input: process.stdin })
  lines.on('line', (line) => say(obey(boards, line)))
  lines.on('close', stop)
}

function ready(config: ProcessConfig): object {
  const boards = config.boards.map(({ name, link, trace }) => ({
    name,
    path: link,
    tracePath: trace ?? null
  }))
  return { ready: true, pid: process.pid, boards }
}

function say(answer: object): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}

function complain(error: unknown, exitCode: number): void {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = exitCode
}

main()
