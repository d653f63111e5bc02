import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasSpin, search, searches } from './run.ts'

const skip = hasSpin() ? false : 'spin is not installed (apt-get install spin): the models were not checked'

for (const wanted of searches.filter(({ long }) => long !== true)) {
  const promise =
    wanted.expected === 'holds' ? 'has no state that breaks a property' : 'without its rule breaks a property'
  test(`${wanted.model}, ${wanted.variant}: the model ${promise}`, { skip }, () => {
    assert.equal(search(wanted).seen, wanted.expected)
  })
}
