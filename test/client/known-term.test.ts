import assert from 'node:assert/strict'
import { test } from 'node:test'
import { House } from '../support/test-locksmith.ts'

test('hello and heartbeats tell of the highest term that was heard: it outlives a store that was restored', async () => {
  const house = await new House().open()
  house.session('ops')
  await house.clock.advance(100)
  const told = (wanted: string): unknown =>
    house.broker
      .sentOn('locksmith/1/default/req/ops')
      .filter(({ op }) => op === wanted)
      .at(-1)?.knownTerm
  assert.deepEqual([told('hello'), told('heartbeat')], [0, 1])
})
