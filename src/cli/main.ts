#!/usr/bin/env node
import { nearest } from '../protocol/nearest.ts'
import { splitCommand, usageError } from './arguments.ts'
import { report } from './failure.ts'
import { mainHelp } from './help.ts'
import { createOutput, type Output } from './output.ts'
import { listenForStop, type Stopper } from './stop.ts'
import { loadAll, loadVerb, VERB_NAMES } from './verbs.ts'
import { readVersion } from './version.ts'

async function main(argv: readonly string[]): Promise<number> {
  const { own } = splitCommand(argv)
  const { stdout, stderr, env } = process
  const out = createOutput({ json: own.includes('--json'), env, stdout, stderr })
  const stopper = listenForStop()
  surviveClosedPipes(stopper)
  try {
    return await dispatch(argv, out, stopper)
  } catch (error) {
    return report(error, out)
  }
}

async function dispatch(argv: readonly string[], out: Output, stopper: Stopper): Promise<number> {
  const [name = '--help', ...rest] = argv
  if (name === '--version' || name === '-V') return say(readVersion())
  if (name === '--help' || name === '-h' || name === 'help') return help(rest[0])
  const verb = await loadVerb(name)
  if (verb === undefined) throw unknownVerb(name)
  const { own } = splitCommand(rest)
  if (own.includes('--help') || own.includes('-h')) return say(verb.help())
  const { env, stdin, stderr } = process
  const canAsk = stdin.isTTY === true && stderr.isTTY === true
  return verb.invoke(rest, { out, env, stop: stopper.signal, canAsk })
}

async function help(name: string | undefined): Promise<number> {
  if (name === undefined || name.startsWith('-')) return say(mainHelp(await loadAll(), readVersion()))
  const verb = await loadVerb(name)
  if (verb === undefined) throw unknownVerb(name)
  return say(verb.help())
}

function unknownVerb(name: string): Error {
  const near = nearest(name, VERB_NAMES)
  const said = near === undefined ? `verbs are ${VERB_NAMES.join(', ')}` : `did you mean "${near}"?`
  return usageError(`there is no verb "${name}"; ${said}`)
}

function say(text: string): number {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
  return 0
}

/** A reader that goes away (`| head`) is a request to stop, not an error. */
function surviveClosedPipes(stopper: Stopper): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () => stopper.stop('the reader of the output went away'))
  }
}

/** What was written must be out before the end: pipes are written asynchronously. */
async function flushed(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.destroyed || stream.writableLength === 0) return
  await new Promise<void>((resolve) => {
    stream.write('', () => resolve())
    stream.once('error', () => resolve())
  })
}

const code = await main(process.argv.slice(2))
await Promise.all([flushed(process.stdout), flushed(process.stderr)])
process.exit(code)
