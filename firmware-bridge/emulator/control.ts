import * as z from 'zod'
import type { Board } from './board.ts'
import type { Boards } from './boards.ts'

const id = z.number().optional()
const name = z.string()
const command = z.union([
  z.strictObject({ id, reset: name }),
  z.strictObject({ id, silence: name, on: z.boolean() }),
  z.strictObject({ id, unplug: name }),
  z.strictObject({ id, replug: name })
])

/** A line for the emulator's stdin: what shall happen to the board of that name. */
export type Command = z.infer<typeof command>

export type Answer = { id: number | undefined } & ({ ok: true } | { error: string })

/** Carries out one line of the emulator's stdin; it never throws, a bad line is answered with words. */
export function obey(boards: Boards, line: string): Answer {
  let given: number | undefined
  try {
    const parsed = command.safeParse(JSON.parse(line))
    if (!parsed.success)
      return { id: undefined, error: `unknown command ${line}: ${z.prettifyError(parsed.error)}` }
    given = parsed.data.id
    carryOut(boards, parsed.data)
    return { id: given, ok: true }
  } catch (error) {
    return { id: given, error: error instanceof Error ? error.message : String(error) }
  }
}

function carryOut(boards: Boards, command: Command): void {
  const find = (name: string): Board => {
    const board = boards.board(name)
    if (!board) throw new Error(`there is no board called ${name}`)
    return board
  }
  if ('reset' in command) find(command.reset).reset()
  else if ('silence' in command) find(command.silence).silence(command.on)
  else if ('unplug' in command) find(command.unplug).unplug()
  else find(command.replug).replug()
}
