import { posix } from 'node:path'
import { maskCode, type SourceFile } from './source-text.ts'

/** What each part may import of ours, besides itself. A name that ends in `.ts` is that one file. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  rules: [],
  platform: [],
  'firmware-bridge': [],
  protocol: ['rules', 'platform'],
  client: ['protocol', 'rules', 'platform'],
  'lock-manager': ['protocol', 'rules', 'platform'],
  agent: ['client', 'protocol', 'rules', 'platform', 'firmware-bridge/drivers/controller.ts'],
  simulation: ['agent', 'lock-manager', 'client', 'protocol', 'rules', 'platform', 'firmware-bridge'],
  demo: ['agent', 'lock-manager', 'client', 'protocol', 'rules', 'platform', 'firmware-bridge'],
  cli: [
    'demo',
    'simulation',
    'agent',
    'lock-manager',
    'client',
    'protocol',
    'rules',
    'platform',
    'firmware-bridge',
    'package.json'
  ]
}

/** Development dependencies that some of our files need nevertheless, and which: an installed agent never loads these. */
const developmentOnly: Readonly<Record<string, RegExp>> = {
  aedes: /^src\/platform\/(embedded-broker|retained-order)\.ts$/,
  avr8js: /^firmware-bridge\/emulator\//,
  koffi: /^firmware-bridge\/emulator\//
}

export interface Dependencies {
  readonly runtime: ReadonlySet<string>
}

/** What a file imports, as written: static, dynamic, re-exported, for types or for values. */
export function importsOf(text: string): readonly string[] {
  const code = maskCode(text).withQuotes
  const forms = [
    /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"\n]+)['"]/gm,
    /^\s*import\s*['"]([^'"\n]+)['"]/gm,
    /\bimport\s*\(\s*['"]([^'"\n]+)['"]/g
  ]
  return forms.flatMap((form) => [...code.matchAll(form)].map((match) => match[1] ?? ''))
}

/** The imports of a source file that point the wrong way, in words. */
export function wrongArrows(file: SourceFile, dependencies: Dependencies): readonly string[] {
  return importsOf(file.text).flatMap((specifier) => {
    const why = specifier.startsWith('.')
      ? ourTrouble(file.path, specifier)
      : packageTrouble(file.path, specifier, dependencies)
    return why === undefined ? [] : [`${file.path} imports ${specifier}: ${why}`]
  })
}

function ourTrouble(path: string, specifier: string): string | undefined {
  const target = posix.join(posix.dirname(path), specifier)
  const [from, to] = [partOf(path), partOf(target)]
  if (!specifier.endsWith('.ts') && !specifier.endsWith('.json')) return 'a relative import ends in .ts'
  if (target.includes('/internal/') && to !== from) return 'the inside of another part is not for others'
  if (from === 'test' || to === from) return undefined
  if (to === 'test') return 'nothing depends on tests'
  const allowed = arrows[from]
  if (allowed === undefined) return `src/${from} is no known part; test/house/import-arrows.ts lists them`
  return allowed.includes(to) || allowed.includes(target) ? undefined : `${from} may import ${list(allowed)}`
}

function packageTrouble(path: string, specifier: string, dependencies: Dependencies): string | undefined {
  const from = partOf(path)
  if (from === 'test') return undefined
  if (from === 'rules') return 'the rules are pure and import no package'
  if (specifier.startsWith('node:')) return undefined
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  if (dependencies.runtime.has(name) || developmentOnly[name]?.test(path)) return undefined
  return 'it is not among the dependencies that are installed with the product'
}

function partOf(path: string): string {
  const [top, folder] = path.split('/')
  return top === 'src' ? (folder ?? 'src') : (top ?? '')
}

function list(allowed: readonly string[]): string {
  return allowed.length === 0 ? 'nothing of ours' : `${allowed.join(', ')} only`
}
