import assert from 'node:assert/strict'
import { test } from 'node:test'
import { copyDisk } from '../../src/lock-manager/index.ts'
import { House } from '../support/test-locksmith.ts'

const status = (house: House) =>
  JSON.parse(house.broker.retained.get('locksmith/1/default/status') ?? '{}') as Record<string, unknown>

test('the will of a Locksmith that died does not cover what its status knew of term and fences', async () => {
  const house = await new House().open()
  const { term, fenceLimit } = status(house)
  house.kill()
  assert.deepEqual([status(house).term, status(house).fenceLimit], [term, fenceLimit])
})

test('the term grows also when the store is put back twice to one old backup', async () => {
  const house = await new House().open()
  const backup = copyDisk(house.disk)
  const terms: number[] = []
  for (let lives = 0; lives < 3; lives += 1) {
    house.kill()
    house.disk = copyDisk(backup)
    await house.open()
    terms.push(Number(status(house).term))
  }
  assert.ok(
    terms.every((term, at) => at === 0 || term > (terms[at - 1] ?? 0)),
    terms.join(', ')
  )
})
