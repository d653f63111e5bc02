import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { BoardConfig } from './board.ts'
import { BoardsProcess } from './boards-process.ts'

export type { BoardConfig } from './board.ts'
export { EmulatorError } from './boards-process.ts'

export interface StartOptions {
  readonly boards: readonly BoardConfig[]
  /** Path of another image (.hex, with firmware.json beside it if there are traces) than the shipped one. */
  readonly firmware?: string
  /** How long the process may take until its devices are there, in milliseconds. */
  readonly readyWithinMs?: number
}

export interface RunningBoard {
  readonly name: string
  /** Its serial device (a symlink). */
  readonly path: string
  readonly tracePath: string | undefined
}

/** Emulated boards that run in one child process. Commands settle within a bounded time. */
export interface RunningBoards {
  readonly boards: readonly RunningBoard[]
  readonly pid: number
  /** Resolves when the process has ended, for whatever reason, with what it wrote to stderr. */
  readonly ended: Promise<string>
  /** Presses the reset button: RAM is lost, EEPROM stays. */
  reset(name: string): Promise<void>
  /** Cuts the wire of a board without a hang-up (`on`), or mends it. */
  silence(name: string, on: boolean): Promise<void>
  /** Makes the serial device disappear; the chip runs on. */
  unplug(name: string): Promise<void>
  replug(name: string): Promise<void>
  /** Ends the process, by force if need be; resolves when it is gone. */
  stop(): Promise<void>
}

/** The emulator makes little garbage: a small nursery saves about 14 MiB. */
const SMALL_HEAP = ['--max-semi-space-size=1']

/** Starts emulated boards in a process group of their own; they end with this process, however it ends. Rejects with words. */
export async function startBoards(options: StartOptions): Promise<RunningBoards> {
  const { boards, firmware, readyWithinMs = 10_000 } = options
  const config = JSON.stringify({ boards, firmware })
  const script = fileURLToPath(new URL('./process.ts', import.meta.url))
  const args = [...SMALL_HEAP, script, '--config', config]
  const child = spawn(process.execPath, args, { detached: true, stdio: 'pipe' })
  const running = new BoardsProcess(child)
  await running.ready(readyWithinMs)
  return {
    boards: boards.map(({ name, link, trace }) => ({ name, path: link, tracePath: trace })),
    pid: running.pid,
    ended: running.ended,
    reset: (name) => running.command({ reset: name }),
    silence: (name, on) => running.command({ silence: name, on }),
    unplug: (name) => running.command({ unplug: name }),
    replug: (name) => running.command({ replug: name }),
    stop: () => running.stop()
  }
}
