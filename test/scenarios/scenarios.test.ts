import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { record } from './stage/record.ts'
import { stories } from './stories/index.ts'

const folder = new URL('transcripts/', import.meta.url)
const rewrites = process.env.RECORD_SCENARIOS === '1'

for (const story of stories) {
  test(`${story.name}: the story goes as its transcript tells`, async () => {
    const file = new URL(`${story.name}.txt`, folder)
    const told = await record(story)
    if (rewrites) writeFileSync(file, told)
    const expected = existsSync(file) ? readFileSync(file, 'utf8') : ''
    assert.equal(
      told,
      expected,
      `to rewrite it, and to read what has changed: RECORD_SCENARIOS=1, then git diff`
    )
  })
}

test('every transcript has its story, and no story is told twice', () => {
  const named = stories.map(({ name }) => `${name}.txt`)
  assert.deepEqual(readdirSync(folder).sort(), [...named].sort())
  assert.equal(new Set(named).size, named.length)
})

test('a transcript is short enough to be read, and has a word for everything in it', () => {
  for (const { name } of stories) {
    const told = readFileSync(new URL(`${name}.txt`, folder), 'utf8')
    const lines = told.split('\n').filter((line) => /^ *\d+\.\d{3} {2}/.test(line))
    assert.ok(lines.length >= 15 && lines.length <= 80, `${name} has ${lines.length} lines`)
    assert.doesNotMatch(told, /undefined|\[object|NaN/)
  }
})
