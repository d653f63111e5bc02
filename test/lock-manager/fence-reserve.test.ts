import assert from 'node:assert/strict'
import { test } from 'node:test'
import { House } from '../support/test-locksmith.ts'

/** So many grants, one after the other, within a second of Locksmith's clock. */
async function grants(house: House, count: number): Promise<void> {
  const session = house.session('busy')
  await house.clock.advance(100)
  for (let index = 0; index < count; index += 1) {
    const names = { session: session.session, request: `r-${index}` }
    const ask = { locks: ['*:aim'], reason: '', waitedMs: 0, wait: true }
    house.say('busy', { op: 'acquire', ...names, ...ask, seq: 1000 + 2 * index })
    house.say('busy', { op: 'release', ...names, seq: 1001 + 2 * index })
    await house.clock.advance(0.1)
  }
}

test('grants never wait for fences that a willing store could reserve, however fast they follow each other', async () => {
  const house = await new House().open()
  await grants(house, 3000)
  assert.equal(house.heard('busy').filter(({ op }) => op === 'granted').length, 3000)
  assert.ok(house.fenceFile.limit > Number(house.record('*:aim')?.fence))
})

test('a fence file that refuses is left alone for a second, and nothing is granted above its bound', async () => {
  const house = await new House().open()
  house.fenceFile.refuses = true
  await grants(house, 2000)
  const granted = house.heard('busy').filter(({ op }) => op === 'granted')
  const highest = Math.max(
    ...granted.flatMap(({ locks }) => (locks as { fence: number }[]).map((l) => l.fence))
  )
  assert.ok(highest < house.fenceFile.limit)
  assert.equal(house.events('fence-file').length, 1)
})
