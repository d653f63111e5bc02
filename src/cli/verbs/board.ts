import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { EXIT, LocksmithError } from '../../protocol/errors.ts'
import { asPath, jsonOption } from '../common-options.ts'
import { optional } from '../options.ts'
import { defineVerb } from '../verb.ts'

export const verb = defineVerb({
  name: 'board',
  summary: 'Run one emulated controller with the real firmware on a serial device',
  usage: '[options]',
  about:
    'Prints the path of its serial device and runs until Ctrl-C. It is paused at power-up; its axis patrols whenever it is not paused. The trace is JSON lines from the state of the firmware itself.',
  options: {
    link: optional({ placeholder: 'PATH', help: 'where the serial device appears' }, asPath),
    trace: optional({ placeholder: 'FILE', help: 'write what the firmware does, as JSON lines' }, asPath),
    ...jsonOption
  },
  examples: ['locksmith board --link /tmp/axis --trace /tmp/axis.jsonl'],
  exits: [EXIT.failed],
  positionals: { least: 0, most: 0, what: '' },
  run: async ({ values, context: { out, stop } }) => {
    const folder = values.link === undefined ? mkdtempSync(join(tmpdir(), 'locksmith-board-')) : undefined
    const link = resolve(values.link ?? join(folder ?? '', 'axis'))
    try {
      const running = await start(link, values.trace)
      out.data({ path: link, trace: values.trace ?? null, pid: running.pid })
      out.print(link)
      out.note('running; Ctrl-C ends it')
      const why = await Promise.race([running.ended, stopped(stop)])
      if (why !== undefined) throw cannot(why || 'the emulator ended')
      await running.stop()
      return EXIT.fine
    } finally {
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
    }
  }
})

async function start(link: string, trace: string | undefined) {
  try {
    const { startBoards } = await import('../../../firmware-bridge/emulator/index.ts')
    const board = { name: 'axis', link, ...(trace === undefined ? {} : { trace: resolve(trace) }) }
    return await startBoards({ boards: [board] })
  } catch (error) {
    throw cannot((error as Error).message)
  }
}

const cannot = (why: string): LocksmithError =>
  new LocksmithError(
    'LK-6006',
    `the emulated board: ${why.trim()}`,
    'Check the path; a checkout has all it needs'
  )

function stopped(signal: AbortSignal): Promise<undefined> {
  return new Promise((done) => {
    if (signal.aborted) done(undefined)
    signal.addEventListener('abort', () => done(undefined), { once: true })
  })
}
