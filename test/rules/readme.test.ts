import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const RULES = join(import.meta.dirname, '../../src/rules')

const read = (path: string): string => readFileSync(path, 'utf8')
const readme = read(join(RULES, 'README.md'))

test('every test that the page of invariants names exists, and every invariant names one', () => {
  const items = readme.split(/^(?=\d+\. \*\*)/m).slice(1)
  assert.ok(items.length >= 18)
  for (const [index, item] of items.entries()) {
    assert.ok(item.startsWith(`${index + 1}. `), item.slice(0, 60))
    const named = [...item.matchAll(/^ +- ([a-z-]+): "(.+)"$/gm)]
    assert.ok(named.length > 0, `nothing proves: ${item.slice(0, 60)}`)
    for (const [, file = '', title = ''] of named) {
      const source = read(join(import.meta.dirname, `${file}.test.ts`))
      assert.ok(source.includes(`'${title}'`), `${file}.test.ts has no test "${title}"`)
    }
  }
})
