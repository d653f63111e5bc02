import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brokenRules, type CodeRule, codeRules } from './code-rules.ts'
import { maskCode, repositoryFiles } from './source-text.ts'

test('the whole repository keeps the rules of the house', () => {
  // The samples that break the rules live in code-rules.ts.
  const files = repositoryFiles().filter((file) => file.path !== 'test/house/code-rules.ts')
  assert.deepEqual(
    files.flatMap((file) => brokenRules(file)),
    []
  )
})

const found = (rule: CodeRule, text: string): readonly number[] => rule.find(text, maskCode(text).bare)

for (const rule of codeRules) {
  test(`a rule that can fail: ${rule.rule}`, () => {
    for (const text of rule.bad)
      assert.notDeepEqual(found(rule, text), [], `not found in: ${text.slice(0, 80)}`)
    for (const text of rule.good) assert.deepEqual(found(rule, text), [], `found in: ${text.slice(0, 80)}`)
  })
}

test('a rule is applied where it is meant to be', () => {
  const judge = (path: string, text: string): number => brokenRules({ path, text }).length
  assert.equal(judge('src/agent/change.ts', 'console.log(Date.now())'), 2)
  assert.equal(judge('src/cli/main.ts', 'console.log(Date.now())'), 0)
  assert.equal(judge('src/demo/fleet.ts', 'process.exit(1)'), 1)
  assert.equal(judge('firmware-bridge/link/link.ts', 'console.log(setTimeout(f, 1))'), 1)
  assert.equal(judge('test/agent/change.test.ts', 'setTimeout(f, 1)'), 1)
  assert.equal(judge('test/support/wait.ts', 'setTimeout(f, 1)'), 0)
})

test('comments and literals are told from code, and every character keeps its place', () => {
  const cases: readonly (readonly [text: string, bare: string])[] = [
    ["a('x') // y", 'a( )'],
    ['a /* b\nc */ d', 'a d'],
    [['f(`a $', '{g("`", {})} b`) + h'].join(''), 'f( #{g( , {}) ) + h'],
    [['`$', '{a}$', '{b}` + c'].join(''), ' #{a #{b + c'],
    ["x = /'/.test(y) ? 'a' : b", 'x = .test(y) ? : b'],
    ["list.map((x) => /[/']/.test(x))", 'list.map((x) => .test(x))'],
    ['a / b / c', 'a / b / c'],
    ['"// no comment" + d', ' + d']
  ]
  for (const [text, bare] of cases) {
    const masked = maskCode(text).bare
    assert.equal(masked.length, text.length, text)
    assert.equal(masked.replaceAll('$', '#').replaceAll(/\s+/g, ' ').trimEnd(), bare, text)
  }
})
