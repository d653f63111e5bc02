import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Table } from '../../src/rules/table.ts'
import { propertyOf } from '../support/property.ts'

const change = fc.tuple(fc.constantFrom('a', 'b', 'c', '__proto__'), fc.option(fc.nat(9), { nil: undefined }))

function apply(table: Table<number>, changes: readonly [string, number | undefined][]): void {
  for (const [key, value] of changes) {
    if (value === undefined) table.remove(key)
    else table.put(key, value)
  }
}

const sorted = (values: Iterable<number>): number[] => [...values].sort()

test('what was dropped never happened, and what was kept stays', () => {
  propertyOf(
    'table: drop',
    fc.property(fc.array(change), fc.array(change), (kept, dropped) => {
      const table = new Table<number>()
      const model = new Map<string, number>()
      apply(table, kept)
      table.keep()
      assert.equal(table.changes().size, 0)
      for (const [key, value] of kept) value === undefined ? model.delete(key) : model.set(key, value)
      apply(table, dropped)
      table.drop()
      assert.equal(table.changes().size, 0)
      for (const key of ['a', 'b', 'c', '__proto__']) assert.equal(table.get(key), model.get(key))
      assert.deepEqual(sorted(table.values()), sorted(model.values()))
    })
  )
})

test('changes are seen before they are kept', () => {
  propertyOf(
    'table: layer',
    fc.property(fc.array(change), fc.array(change), (kept, fresh) => {
      const table = new Table<number>()
      const model = new Map<string, number>()
      apply(table, kept)
      table.keep()
      apply(table, fresh)
      for (const [key, value] of [...kept, ...fresh])
        value === undefined ? model.delete(key) : model.set(key, value)
      assert.deepEqual(sorted(table.values()), sorted(model.values()))
    })
  )
})
