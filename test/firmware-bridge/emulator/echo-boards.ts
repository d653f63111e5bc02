import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type BoardConfig, type RunningBoards, startBoards } from '../../../firmware-bridge/emulator/index.ts'
import { killGroup } from '../../support/processes.ts'

/** Sends back what it gets; see fixtures/echo.c. */
export const echoHex = fileURLToPath(new URL('./fixtures/echo.hex', import.meta.url))

/** Boards that run the echo firmware; they are gone when the test ends. */
export async function startEchoBoards(
  t: TestContext,
  boards: readonly BoardConfig[]
): Promise<RunningBoards> {
  return watch(t, await startBoards({ boards, firmware: echoHex }))
}

/** Boards that run the shipped firmware. */
export async function startShippedBoards(
  t: TestContext,
  boards: readonly BoardConfig[]
): Promise<RunningBoards> {
  return watch(t, await startBoards({ boards }))
}

function watch(t: TestContext, running: RunningBoards): RunningBoards {
  t.after(() => killGroup(running.pid))
  return running
}

/** `node-1` to `node-n`, with their devices in the folder. */
export function named(folder: string, count: number): BoardConfig[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `node-${index + 1}`
    return { name, link: join(folder, name) }
  })
}

/** Every value of a byte, in an order that does not repeat for a while. */
export function sampleBytes(length: number, seed = 1): Buffer {
  let state = seed
  return Buffer.from(
    Array.from({ length }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return state >>> 24
    })
  )
}
