import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { importsOf } from '../house/import-arrows.ts'

const folder = new URL('../../src/simulation/', import.meta.url)
const root = fileURLToPath(new URL('../../', import.meta.url))
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.ts')
)

/** What the simulator may know of the product: how to start its parts, and the shapes of what it hands in. */
const faces: readonly RegExp[] = [
  /^src\/(agent|lock-manager|client)\/index\.ts$/,
  /^src\/platform\/(broker|clock|durable-file|logger)\.ts$/,
  /^src\/protocol\/errors\.ts$/,
  /^firmware-bridge\/drivers\/index\.ts$/,
  /^firmware-bridge\/link\/line\.ts$/,
  /^firmware-bridge\/firmware\/(trace|boards\/wasm\/firmware)\.ts$/
]
/** Shapes, and the defaults of a policy. */
const shapes: readonly RegExp[] = [/^src\/rules\/(policy|fleet)\.ts$/]

const isFace = (path: string): boolean => [...faces, ...shapes].some((face) => face.test(path))

test('the simulator starts the product by its public faces and contains no rule of it', () => {
  const inside = files.flatMap((name) => {
    const text = readFileSync(new URL(name, folder), 'utf8')
    return importsOf(text)
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => relative(root, fileURLToPath(new URL(specifier, new URL(name, folder)))))
      .filter((path) => !path.startsWith('src/simulation/') && !isFace(path))
      .map((path) => `${name} imports ${path}`)
  })
  assert.deepEqual(inside, [])
})

test('of the rules the simulator takes shapes and defaults, and calls none', () => {
  const calls = files.flatMap((name) => {
    const text = readFileSync(new URL(name, folder), 'utf8')
    return [...text.matchAll(/^import (?!type )\{([^}]*)\} from '[./]*\/rules\/\w+\.ts'/gm)]
      .map((match) => match[1]?.trim() ?? '')
      .filter((names) => names !== 'DEFAULT_POLICY')
      .map((names) => `${name} imports ${names}`)
  })
  assert.deepEqual(calls, [])
})
