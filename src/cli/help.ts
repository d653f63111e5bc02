import { EXIT } from '../protocol/errors.ts'
import { environmentName } from './arguments.ts'
import type { Option } from './options.ts'
import type { Verb, VerbSpec } from './verb.ts'

const WIDTH = 80

const EXIT_MEANS: Readonly<Record<number, string>> = {
  [EXIT.fine]: 'fine',
  [EXIT.failed]: 'refused, or a check failed',
  [EXIT.usage]: 'wrong usage',
  [EXIT.unreachable]: 'broker or Locksmith not reachable',
  [EXIT.tryLater]: 'not granted, try later',
  [EXIT.denied]: 'denied',
  [EXIT.badConfig]: 'bad configuration',
  [EXIT.leaseLost]: 'lease lost',
  [EXIT.cannotRun]: 'COMMAND could not be run',
  [EXIT.notFound]: 'COMMAND was not found'
}

export function verbHelp(spec: Omit<VerbSpec<Readonly<Record<string, Option<unknown>>>>, 'run'>): string {
  const rows = Object.entries(spec.options).map(([name, option]) => optionRow(name, option))
  const left = Math.max(...rows.map((row) => row.left.length)) + 2
  return [
    `locksmith ${spec.name} ${spec.usage}`.trimEnd(),
    '',
    ...wrap(`${spec.summary}.${spec.about === undefined ? '' : ` ${spec.about}`}`, 0),
    '',
    'Options:',
    ...rows.flatMap((row) => columns(row.left, row.right, left)),
    '',
    spec.examples.length > 1 ? 'Examples:' : 'Example:',
    ...spec.examples.map((example) => `  ${example}`),
    '',
    'Exit codes:',
    ...[EXIT.fine, EXIT.usage, ...spec.exits]
      .sort((a, b) => a - b)
      .map((code) => `  ${String(code).padEnd(5)}${EXIT_MEANS[code] ?? ''}`),
    ''
  ].join('\n')
}

function optionRow(name: string, option: Option<unknown>): { left: string; right: string } {
  const left = option.kind === 'flag' ? `--${name}` : `--${name} ${option.placeholder}`
  const notes = [
    ...(option.fallback === undefined ? [] : [`default ${option.fallback}`]),
    ...(option.shared ? [environmentName(name)] : [])
  ]
  return { left, right: notes.length === 0 ? option.help : `${option.help} (${notes.join('; ')})` }
}

export function mainHelp(verbs: readonly Pick<Verb, 'name' | 'summary'>[], version: string): string {
  const left = Math.max(...verbs.map((verb) => verb.name.length)) + 2
  return [
    `locksmith ${version}`,
    'Devices stand still while their configuration changes, and never wait for a ghost.',
    '',
    'Usage: locksmith VERB [options]      locksmith VERB --help',
    '',
    ...verbs.flatMap((verb) => columns(verb.name, verb.summary, left)),
    '',
    ...wrap(
      'Broker, fleet, name and timeout also come from LOCKSMITH_BROKER, LOCKSMITH_FLEET, LOCKSMITH_AS, LOCKSMITH_TIMEOUT, or from broker, fleet, as, timeout in ~/.config/locksmith/cli.toml.',
      0
    ),
    '',
    'Example:',
    '  locksmith exec plant-2/line-4:aim --reason "new lens" -- ./calibrate.sh',
    ''
  ].join('\n')
}

function columns(left: string, right: string, width: number): string[] {
  const [first = '', ...rest] = wrap(right, width + 2)
  return [`  ${left.padEnd(width)}${first.trimStart()}`, ...rest]
}

function wrap(text: string, indent: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].map((one) => `${' '.repeat(indent)}${one}`)
}
