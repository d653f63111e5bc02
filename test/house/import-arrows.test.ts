import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { importsOf, wrongArrows } from './import-arrows.ts'
import { repositoryFiles, root } from './source-text.ts'

const runtime = new Set(['mqtt', 'zod'])

function trouble(path: string, ...lines: readonly string[]): readonly string[] {
  return wrongArrows({ path, text: lines.join('\n') }, { runtime })
}

test('every import points the way that the design allows', () => {
  const declared: { dependencies: Record<string, string> } = JSON.parse(
    readFileSync(`${root}package.json`, 'utf8')
  )
  const dependencies = { runtime: new Set(Object.keys(declared.dependencies)) }
  const sources = repositoryFiles().filter((file) => /^(src|firmware-bridge|test)\/.*\.ts$/.test(file.path))
  assert.ok(sources.length > 10)
  assert.deepEqual(
    sources.flatMap((file) => wrongArrows(file, dependencies)),
    []
  )
})

test('every form of import is seen, and none in comments and strings', () => {
  const text = `import a from './a.ts'
import type { B } from "./b.ts"
import {
  c,
  d
} from './c.ts'
import './e.ts'
export * from './f.ts'
export type { G } from './g.ts'
const h = await import('./h.ts')
type I = import('./i.ts').I
// import x from './comment.ts'
/* import y from './block.ts' */
const text = \`
import z from './template.ts'
\`
export const from = 'nothing'
`
  assert.deepEqual([...importsOf(text)].sort(), [
    './a.ts',
    './b.ts',
    './c.ts',
    './e.ts',
    './f.ts',
    './g.ts',
    './h.ts',
    './i.ts'
  ])
})

const wrong: readonly (readonly [path: string, line: string, why: RegExp])[] = [
  [
    'src/rules/lock.ts',
    `import type { Clock } from '../platform/clock.ts'`,
    /rules may import nothing of ours/
  ],
  ['src/rules/lock.ts', `import { readFileSync } from 'node:fs'`, /pure/],
  ['src/platform/clock.ts', `import { x } from '../rules/lock.ts'`, /platform may import nothing/],
  [
    'src/protocol/topics.ts',
    `import { x } from '../client/session.ts'`,
    /protocol may import rules, platform only/
  ],
  ['src/client/session.ts', `import { x } from '../agent/agent.ts'`, /client may import/],
  ['src/agent/agent.ts', `import { x } from '../lock-manager/store.ts'`, /agent may import/],
  ['src/agent/agent.ts', `const { x } = await import('../lock-manager/store.ts')`, /agent may import/],
  [
    'src/agent/agent.ts',
    `import { x } from '../../firmware-bridge/drivers/native/driver.ts'`,
    /agent may import/
  ],
  ['src/lock-manager/store.ts', `export * from '../agent/agent.ts'`, /lock-manager may import/],
  ['src/lock-manager/store.ts', `export * from '../client/session.ts'`, /lock-manager may import/],
  ['src/simulation/run.ts', `import { x } from '../cli/main.ts'`, /simulation may import/],
  ['src/demo/fleet.ts', `import { x } from '../cli/main.ts'`, /demo may import/],
  ['src/helpers/x.ts', `import { x } from '../rules/lock.ts'`, /no known part/],
  [
    'firmware-bridge/link/link.ts',
    `import type { Clock } from '../../src/platform/clock.ts'`,
    /nothing of ours/
  ],
  ['src/agent/agent.ts', `import { waitFor } from '../../test/support/wait.ts'`, /nothing depends on tests/],
  [
    'test/agent/agent.test.ts',
    `import { x } from '../../src/agent/internal/steps.ts'`,
    /inside of another part/
  ],
  ['src/client/session.ts', `import { Aedes } from 'aedes'`, /not among the dependencies/],
  ['src/client/session.ts', `import { x } from '@scope/left-pad/deep'`, /not among the dependencies/],
  ['src/client/session.ts', `import { x } from './lease'`, /ends in .ts/]
]

for (const [path, line, why] of wrong) {
  test(`an arrow that points the wrong way is found: ${line} in ${path}`, () => {
    const found = trouble(path, line)
    assert.equal(found.length, 1)
    assert.match(found[0] ?? '', why)
  })
}

test('arrows that the design allows are let through', () => {
  assert.deepEqual(
    [
      ...trouble(
        'src/agent/agent.ts',
        `import type { Controller } from '../../firmware-bridge/drivers/controller.ts'`
      ),
      ...trouble(
        'src/agent/agent.ts',
        `import { x } from '../client/session.ts'`,
        `import { y } from './change.ts'`
      ),
      ...trouble(
        'src/cli/main.ts',
        `import { x } from '../demo/fleet.ts'`,
        `import { openNative } from '../../firmware-bridge/drivers/native/driver.ts'`
      ),
      ...trouble(
        'src/platform/embedded-broker.ts',
        `import { Aedes } from 'aedes'`,
        `import { connect } from 'node:net'`
      ),
      ...trouble('src/client/session.ts', `import * as z from 'zod/mini'`),
      ...trouble(
        'test/agent/agent.test.ts',
        `import { x } from '../../src/agent/agent.ts'`,
        `import fc from 'fast-check'`
      )
    ],
    []
  )
})
