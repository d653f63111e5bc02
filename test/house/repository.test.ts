import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from './source-text.ts'

const topLevel = new Set([
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'README.md',
  'LICENSE',
  'src',
  'firmware-bridge',
  'test',
  'systemd'
])
/** Made by npm and by the build; not part of the repository. */
const made = new Set(['node_modules', 'dist'])

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly allowScripts: Readonly<Record<string, boolean>>
}

function strangers(names: readonly string[]): readonly string[] {
  return names.filter((name) => !name.startsWith('.') && !topLevel.has(name) && !made.has(name))
}

function inexact(manifest: Pick<Manifest, 'dependencies' | 'devDependencies'>): readonly string[] {
  return Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })
    .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
    .map(([name, version]) => `${name} ${version}`)
}

/** Names that the text does not contain as a word. */
function unnamed(names: readonly string[], text: string): readonly string[] {
  return names.filter(
    (name) => !new RegExp(`(^|[^\\w-])${name.replaceAll(/[/.]/g, '\\$&')}($|[^\\w-])`, 'm').test(text)
  )
}

function readIfThere(path: string): string | undefined {
  return existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined
}

const manifest: Manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

test('the top level holds what the design names, and nothing else', () => {
  assert.deepEqual(strangers(readdirSync(root)), [])
  assert.deepEqual(strangers(['src', '.ci', 'notes.txt', 'node_modules']), ['notes.txt'])
})

test('every version in package.json is exact', () => {
  assert.deepEqual(inexact(manifest), [])
  const loose = { a: '^1.0.0', b: '1.x', c: 'latest', d: '1.2.3', e: 'git+https://x' }
  assert.equal(inexact({ dependencies: loose, devDependencies: {} }).length, 4)
})

test('the repository brings its own Node, and allows install scripts by name', () => {
  assert.equal(manifest.devDependencies.node, '24.21.0')
  assert.deepEqual(manifest.allowScripts, { node: true, koffi: true, '@serialport/bindings-cpp': true })
})

test('the README names every dependency that is installed with the product', () => {
  const readme = readIfThere('README.md')
  if (readme !== undefined) assert.deepEqual(unnamed(Object.keys(manifest.dependencies), readme), [])
  assert.deepEqual(unnamed(['mqtt', 'zod', 'pino'], 'uses mqtt.js, node-zod and `pino`.'), ['zod'])
})

test('the map in src/README.md names every folder of src', () => {
  const map = readIfThere('src/README.md')
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory()
  )
  const named = folders.map((folder) => folder.name)
  if (map !== undefined) assert.deepEqual(unnamed(named, map), [])
  assert.deepEqual(unnamed(['rules', 'client'], '`rules/` every decision'), ['client'])
})

test('every package that a lock entry names has its digest, and none is fetched from an address of its own', () => {
  const lock: { packages: Record<string, { integrity?: string; resolved?: string; link?: boolean }> } =
    JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  const entries = Object.entries(lock.packages).filter(([path]) => path !== '')
  assert.deepEqual(
    entries
      .filter(([, entry]) => entry.integrity === undefined || entry.resolved !== undefined)
      .map(([path]) => path),
    []
  )
})
