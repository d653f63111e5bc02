import { type Arguments, readArguments, usageError } from './arguments.ts'
import { verbHelp } from './help.ts'
import type { Options } from './options.ts'
import type { Output } from './output.ts'
import { readSettings } from './settings.ts'

/** What a verb is given besides its arguments. */
export interface Context {
  readonly out: Output
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborts at the first Ctrl-C, SIGTERM or SIGHUP, with its name as reason. The same one half a second later ends the process at once. */
  readonly stop: AbortSignal
  /** Whether a person can be asked. */
  readonly canAsk: boolean
}

export type Call<S extends Options> = Arguments<S> & { readonly context: Context }

export interface VerbSpec<S extends Options> {
  readonly name: string
  readonly summary: string
  /** What follows the name: `LOCK… [options]`. */
  readonly usage: string
  readonly about?: string
  readonly options: S
  readonly examples: readonly string[]
  /** Exit codes besides 0 and 2. */
  readonly exits: readonly number[]
  readonly positionals: { readonly least: number; readonly most: number; readonly what: string }
  readonly takesCommand?: boolean
  readonly run: (call: Call<S>) => Promise<number>
}

/** A verb whose options are known to nobody but itself. */
export interface Verb {
  readonly name: string
  readonly summary: string
  readonly help: () => string
  /** Resolves with the exit code; rejects with what went wrong. */
  readonly invoke: (argv: readonly string[], context: Context) => Promise<number>
}

export function defineVerb<S extends Options>(spec: VerbSpec<S>): Verb {
  return {
    name: spec.name,
    summary: spec.summary,
    help: () => verbHelp(spec),
    invoke: async (argv, context) => spec.run({ ...(await read(spec, argv, context)), context })
  }
}

async function read<S extends Options>(
  spec: VerbSpec<S>,
  argv: readonly string[],
  context: Context
): Promise<Arguments<S>> {
  const shares = Object.values(spec.options).some((option) => option.shared)
  const settings = shares ? await readSettings(context.env) : { path: '', values: {} }
  const around = { env: context.env, settings: settings.values, settingsPath: settings.path }
  const call = readArguments(spec.name, spec.options, argv, around)
  const { least, most, what } = spec.positionals
  const given = call.positionals.length
  if (given < least) throw usageError(`${what} is missing`, spec.name)
  if (given > most) throw usageError(`"${call.positionals[most]}" is one argument too many`, spec.name)
  if (call.command.length > 0 && spec.takesCommand !== true)
    throw usageError(`nothing may follow "--" here`, spec.name)
  return call
}
