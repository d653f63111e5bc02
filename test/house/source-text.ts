import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/** A text file of the repository; `path` is relative to its root, with `/`. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

export const root = new URL('../../', import.meta.url).pathname

const notOurs = new Set(['node_modules', '.git', 'dist'])
const texts =
  /\.(ts|cjs|mjs|c|h|md|toml|json|service|conf|rules|sh|txt)$|(^|\/)(Makefile|LICENSE|\.ci\/[^/]+|\.[^/]+)$/

/** Every text file that we wrote, in the order of their paths. */
export function repositoryFiles(): readonly SourceFile[] {
  const paths = readdirSync(root, { recursive: true, withFileTypes: true, encoding: 'utf8' })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => !path.split('/').some((part) => notOurs.has(part)))
    .filter((path) => texts.test(path) && path !== 'package-lock.json')
  return paths.sort().map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

/** TypeScript of which some is blanked; every character keeps its place. */
export interface MaskedCode {
  /** Without comments and the text of templates. */
  readonly withQuotes: string
  /** Without quoted text and regular expressions as well. */
  readonly bare: string
}

export function maskCode(text: string): MaskedCode {
  const kinds = classify(text)
  const keep = (hidden: readonly Kind[]): string =>
    [...kinds].map((kind, at) => (hidden.includes(kind) && text[at] !== '\n' ? ' ' : text[at])).join('')
  return { withQuotes: keep(['comment', 'template']), bare: keep(['comment', 'template', 'literal']) }
}

type Kind = 'code' | 'comment' | 'literal' | 'template'

const comment = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y
const quoted = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/y
/** A slash begins a regular expression where a value may begin. */
const pattern =
  /(?<=(?:^|[(,=:[!&|?{};\n+>]|\breturn)\s*)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n*[])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])*\/[a-z]*/y
const templateText = /(?:\\[\s\S]|\$(?!\{)|[^`\\$])*/y

/** The kind of each character (UTF-16 unit) of TypeScript code; the quotes of a literal count as literal. */
function classify(text: string): readonly Kind[] {
  const kinds: Kind[] = []
  /** For each `${` that is open, the braces open within it. */
  const open: number[] = []
  const take = (kind: Kind, length: number): void => {
    for (let n = 0; n < length; n += 1) kinds.push(kind)
  }
  const takeTemplate = (): void => {
    take('template', 1 + lengthOf(templateText, text, kinds.length + 1))
    if (text.startsWith('${', kinds.length)) open.push(0)
    take(text[kinds.length] === '$' ? 'code' : 'template', 1)
  }
  while (kinds.length < text.length) {
    const at = kinds.length
    const [ofComment, ofLiteral] = [
      lengthOf(comment, text, at),
      lengthOf(quoted, text, at) || lengthOf(pattern, text, at)
    ]
    const depth = open.at(-1)
    if (ofComment > 0) take('comment', ofComment)
    else if (ofLiteral > 0) take('literal', ofLiteral)
    else if (text[at] === '`') takeTemplate()
    else if (text[at] === '}' && depth === 1) {
      open.pop()
      takeTemplate()
    } else {
      if (depth !== undefined) open[open.length - 1] = depth + braces(text[at])
      take('code', 1)
    }
  }
  return kinds.slice(0, text.length)
}

function braces(char: string | undefined): number {
  return char === '{' ? 1 : char === '}' ? -1 : 0
}

function lengthOf(token: RegExp, text: string, at: number): number {
  token.lastIndex = at
  return token.exec(text)?.[0].length ?? 0
}

/** Line numbers (from 1) at which the pattern matches. */
export function linesMatching(text: string, pattern: RegExp): readonly number[] {
  const global = new RegExp(pattern.source, `${pattern.flags.replace('g', '')}g`)
  return [...text.matchAll(global)].map((match) => text.slice(0, match.index).split('\n').length)
}
