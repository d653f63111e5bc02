import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startDemo } from './demo-process.ts'

interface Told {
  readonly ok: boolean
  readonly steps: readonly {
    readonly name: string
    readonly ok: boolean
    readonly ms: number
    readonly detail: string
  }[]
}

const storyWithinMs = 240_000

test('npm start -- --once --json plays the whole story, sees every step of it happen, and exits 0', async (t) => {
  const demo = startDemo(t, { by: 'npm', args: ['--once', '--json'] })
  const { code } = await demo.process.exited(storyWithinMs)
  const told = JSON.parse(demo.process.stdout) as Told
  t.diagnostic(
    `${Math.round(told.steps.reduce((sum, { ms }) => sum + ms, 0) / 1000)} s in ${told.steps.length} steps`
  )
  const failed = told.steps.filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail}`)
  assert.deepEqual(failed, [])
  for (const letter of 'abcdefghi')
    assert.ok(
      told.steps.some(({ name }) => name.startsWith(`${letter} `)),
      `step (${letter}) is missing among ${told.steps.map(({ name }) => name).join('; ')}`
    )
  assert.deepEqual({ ok: told.ok, code }, { ok: true, code: 0 })
})
