import { linesMatching, maskCode, type SourceFile } from './source-text.ts'

/** A habit of this house that a machine can check, with a sample that breaks it. */
export interface CodeRule {
  readonly rule: string
  readonly applies: (path: string) => boolean
  /** Lines that break the rule; `bare` is the text without comments and quoted text. */
  readonly find: (text: string, bare: string) => readonly number[]
  readonly bad: readonly string[]
  readonly good: readonly string[]
}

const isTypeScript = (path: string): boolean => path.endsWith('.ts')
const isProduct = (path: string): boolean => /^(src|firmware-bridge)\/.*\.ts$/.test(path)
/** Code that runs in the simulator as well: time and chance are handed in. */
const isTimeless = (path: string): boolean => /^src\/(rules|protocol|client|lock-manager|agent)\//.test(path)

/** Finds the pattern in code only, not in comments and quoted text. */
const inCode =
  (pattern: RegExp): CodeRule['find'] =>
  (_text, bare) =>
    linesMatching(bare, pattern)
const anywhere =
  (pattern: RegExp): CodeRule['find'] =>
  (text) =>
    linesMatching(text, pattern)

export const longestFileLines = 450

export const codeRules: readonly CodeRule[] = [
  {
    rule: 'only the command line and the demo print; others log',
    applies: (path) => isProduct(path) && !/^src\/(cli|demo)\//.test(path),
    find: inCode(/\bconsole\s*\./),
    bad: ['console.log(1)', 'if (x) console\n  .error(2)', ['const s = `$', '{console.log(1)}`'].join('')],
    good: ["const s = 'console.log'", '// console.log(1)', 'const s = `console.log(1)`']
  },
  {
    rule: 'only the command line ends the process',
    applies: (path) => isProduct(path) && !path.startsWith('src/cli/'),
    find: inCode(/\bprocess\s*\.\s*(exit|abort)\b/),
    bad: ['process.exit(1)', 'process.abort()'],
    good: ['process.exitCode = 1', '/* process.exit(1) */']
  },
  {
    rule: 'no value is of type any',
    applies: isTypeScript,
    find: inCode(/\bas\s+any\b|[:<|,]\s*any\s*[\])>,;=|[{]|\bany\[\]/),
    bad: ['x as any', 'let a: any = 1', 'function f(a: any) {}', 'new Map<string, any>()', 'type A = any[]'],
    good: ['// as any', 'const any = 1', "const s = 'as any'", 'for (const any of anything) use(any)']
  },
  {
    rule: 'no check is switched off by a comment',
    applies: isTypeScript,
    find: anywhere(/@ts-(ignore|expect-error|nocheck)|biome-ign[o]re/),
    bad: [`// ${'@ts'}-ignore`, `// ${'@ts'}-expect-error`, `// ${'biome'}-ignore lint: why`],
    good: ['// ignores what comes after']
  },
  {
    rule: 'no enum and no namespace: Node runs these files as they are',
    applies: isTypeScript,
    find: inCode(/^\s*(export\s+)?(declare\s+)?(const\s+)?(enum|namespace)\s+\w+/m),
    bad: ['enum A { B }', 'export const enum A { B }', 'namespace N {}'],
    good: ["const kind = 'enum A'", 'const enumerable = true']
  },
  {
    rule: 'no module state',
    applies: (path) => isProduct(path) || /^test\/(support\/.*|.*\.test)\.ts$/.test(path),
    find: inCode(
      /^(export\s+)?((let|var)\s|const\s+\w+[^=\n]*=\s*(new\s+(Map|Set|WeakMap|WeakSet)(<[^\n]*>)?\(\)|\[\])\s*$)/m
    ),
    bad: [
      'let count = 0',
      'export var a = 1',
      'const seen = new Set()',
      'const all: string[] = []',
      'const m = new Map<string, number>()'
    ],
    good: [
      'function f() {\n  let count = 0\n}',
      "const kinds = new Set(['a'])",
      'const none: readonly string[] = [1]'
    ]
  },
  {
    rule: 'nothing is left for later in a comment',
    applies: (path) => path !== 'LICENSE',
    find: anywhere(/\b(TO[D]O|FIX[M]E|XX[X]|HA[C]K)\b/),
    bad: [`// ${'TO'}DO: later`, `# ${'FIX'}ME`],
    good: ['// to do this well']
  },
  {
    rule: 'no path of one machine',
    applies: () => true,
    find: anywhere(/(^|[\s'"`(=:])\/(work|root)\/|\/tmp\/bash_jobs|\/home\/\w/m),
    bad: [`cd /${'work'}/main`, `'/${'tmp'}/bash_jobs.0'`, `"/${'home'}/me/x"`],
    good: ['/var/lib/locksmith', 'https://example.org/work/x', '/usr/lib/locksmith']
  },
  {
    rule: `no file is longer than ${longestFileLines} lines`,
    applies: (path) => /\.(ts|c|h|cjs|mjs)$/.test(path),
    find: (text) => (text.trimEnd().split('\n').length > longestFileLines ? [longestFileLines + 1] : []),
    bad: ['x\n'.repeat(longestFileLines + 1)],
    good: ['x\n'.repeat(longestFileLines)]
  },
  {
    rule: 'no emoji',
    applies: () => true,
    find: anywhere(/\p{Emoji_Presentation}/u),
    bad: ['done \u{1f680}', '\u2705 ok'],
    good: ['a → b, 3 × 4, § 5 µs ✓']
  },
  {
    rule: 'time and chance are handed in',
    applies: isTimeless,
    find: inCode(
      /\bDate\s*\.\s*now\b|\bnew\s+Date\s*\(\s*\)|\bset(Timeout|Interval)\b|\bperformance\s*\.\s*now\b|\bMath\s*\.\s*random\b|\bhrtime\b|\brandom(UUID|Bytes|Int)\b|\bgetRandomValues\b/
    ),
    bad: [
      'Date.now()',
      'new Date()',
      'setTimeout(run, 1)',
      'setInterval(run, 1)',
      'performance.now()',
      'Math.random()',
      'process.hrtime.bigint()',
      'randomUUID()'
    ],
    good: ['clock.now()', 'new Date(wallMs)', 'clock.after(5, run)', '// setTimeout']
  },
  {
    rule: 'tests wait for events, with the helpers in test/support; none sleeps and hopes',
    applies: (path) => /^test\/.*\.ts$/.test(path) && !/^test\/(support|bench)\//.test(path),
    find: inCode(/\bset(Timeout|Interval)\s*\(|\bsleep\s*\(|\bscheduler\s*\.\s*wait\b/),
    bad: ['await new Promise((r) => setTimeout(r, 5))', 'await sleep(5)', 'setInterval(look, 5)'],
    good: ['await waitFor(what, look)', "const script = 'setInterval(() => 0, 1)'", 'clock.after(5, run)']
  }
]

/** What a file breaks, in words that name file, line and rule. */
export function brokenRules(file: SourceFile): readonly string[] {
  const bare = file.path.endsWith('.ts') ? maskCode(file.text).bare : file.text
  return codeRules
    .filter((rule) => rule.applies(file.path))
    .flatMap((rule) => rule.find(file.text, bare).map((line) => `${file.path}:${line}: ${rule.rule}`))
}
