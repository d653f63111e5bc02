import { parseArgs } from 'node:util'
import { LocksmithError } from '../protocol/errors.ts'
import { nearest } from '../protocol/nearest.ts'
import type { Options, Values } from './options.ts'

export type Source = 'flag' | 'environment' | 'settings' | 'fallback' | 'nowhere'

export interface Arguments<S extends Options> {
  readonly values: Values<S>
  /** Where each value came from: a configuration file of a service yields to flags and environment only. */
  readonly sources: Readonly<Record<string, Source>>
  readonly positionals: readonly string[]
  /** What follows `--`. */
  readonly command: readonly string[]
}

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Values of cli.toml by option name. */
  readonly settings: Readonly<Record<string, string>>
  readonly settingsPath: string
}

export const usageError = (what: string, verb?: string): LocksmithError =>
  new LocksmithError('LK-6003', what, `See locksmith ${verb ?? 'VERB'} --help`)

/** Everything before `--`, and everything after it. */
export function splitCommand(argv: readonly string[]): {
  own: readonly string[]
  command: readonly string[]
} {
  const at = argv.indexOf('--')
  return at < 0 ? { own: argv, command: [] } : { own: argv.slice(0, at), command: argv.slice(at + 1) }
}

/**
 * Reads a verb's arguments: flags, then environment, then cli.toml, then the fallback.
 * @throws LocksmithError LK-6003 (usage), LK-6004 (a bad value in cli.toml)
 */
export function readArguments<S extends Options>(
  verb: string,
  options: S,
  argv: readonly string[],
  around: Surroundings
): Arguments<S> {
  const { own, command } = splitCommand(argv)
  const { flags, positionals } = parseOwn(verb, options, own)
  const values: Record<string, unknown> = {}
  const sources: Record<string, Source> = {}
  for (const [name, option] of Object.entries(options)) {
    const found = find(name, option.shared, flags, around)
    const source: Source =
      found.text === undefined && option.fallback !== undefined ? 'fallback' : found.source
    sources[name] = source
    try {
      values[name] = option.read(found.text)
    } catch (error) {
      throw complaint(verb, name, source, around, error)
    }
  }
  return { values: values as Values<S>, sources, positionals, command }
}

function find(
  name: string,
  shared: boolean,
  flags: Readonly<Record<string, string | undefined>>,
  around: Surroundings
): { text: string | undefined; source: Source } {
  if (flags[name] !== undefined) return { text: flags[name], source: 'flag' }
  if (!shared) return { text: undefined, source: 'nowhere' }
  const fromEnvironment = around.env[environmentName(name)]
  // An empty variable is one that was meant to be unset.
  if (fromEnvironment) return { text: fromEnvironment, source: 'environment' }
  const fromSettings = around.settings[name]
  return { text: fromSettings, source: fromSettings === undefined ? 'nowhere' : 'settings' }
}

export const environmentName = (option: string): string =>
  `LOCKSMITH_${option.toUpperCase().replaceAll('-', '_')}`

function complaint(
  verb: string,
  name: string,
  source: Source,
  around: Surroundings,
  error: unknown
): LocksmithError {
  const said = error instanceof Error ? error.message : String(error)
  if (source === 'settings') return new LocksmithError('LK-6004', `${around.settingsPath}: ${name} ${said}`)
  const where = source === 'environment' ? environmentName(name) : `--${name}`
  return usageError(`${where} ${said}`, verb)
}

interface Own {
  readonly flags: Readonly<Record<string, string | undefined>>
  readonly positionals: readonly string[]
}

function parseOwn(verb: string, options: Options, own: readonly string[]): Own {
  const config = Object.fromEntries(
    Object.entries(options).map(([name, { kind }]) => [
      name,
      { type: kind === 'flag' ? ('boolean' as const) : ('string' as const) }
    ])
  )
  try {
    const parsed = parseArgs({ args: [...own], options: config, allowPositionals: true, strict: true })
    const flags = Object.entries(parsed.values).map(([name, value]) => [name, String(value)])
    return { flags: Object.fromEntries(flags), positionals: parsed.positionals }
  } catch (error) {
    throw usageError(explain(error, Object.keys(options)), verb)
  }
}

function explain(error: unknown, known: readonly string[]): string {
  const said = error instanceof Error ? error.message : String(error)
  const unknown = /^Unknown option '(--?[^']*)'/.exec(said)?.[1]
  if (unknown === undefined) return said.split('\n')[0]?.replace(/\.$/, '') ?? 'the arguments cannot be read'
  const near = nearest(unknown.replace(/^-+/, ''), known)
  return `there is no option ${unknown}${near === undefined ? '' : `; did you mean --${near}?`}`
}
