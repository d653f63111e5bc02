import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const TOP = join(import.meta.dirname, '../..')

const read = (path: string): string => readFileSync(path, 'utf8')
const readme = read(join(TOP, 'src/rules/README.md'))

test('every test and every judge that the page of invariants names exists, and every invariant names one', () => {
  const items = readme.split(/^(?=\d+\. \*\*)/m).slice(1)
  assert.ok(items.length >= 12)
  for (const [index, item] of items.entries()) {
    assert.ok(item.startsWith(`${index + 1}. `), item.slice(0, 60))
    const named = [...item.matchAll(/^ +- ([a-z/-]+): "(.+)"$/gm)]
    assert.ok(named.length > 0, `nothing proves: ${item.slice(0, 60)}`)
    for (const [, file = '', title = ''] of named) {
      const source = read(join(TOP, 'test', `${file}.test.ts`))
      const found = [`'${title}'`, `\`${title}\``].some((quoted) => source.includes(quoted))
      assert.ok(found, `${file}.test.ts has no test "${title}"`)
    }
    for (const [, judge = ''] of item.matchAll(/^ +- judge: (\S+)$/gm))
      assert.ok(existsSync(join(TOP, 'src/simulation/judges', `${judge}.ts`)), `there is no judge ${judge}`)
  }
})
