import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openJournal } from '../../src/agent/journal.ts'
import { DiskError, type Files } from '../../src/platform/durable-file.ts'
import { silentLog } from '../../src/platform/logger.ts'
import type { Change, Entry } from '../../src/rules/change.ts'

const path = '/state/journal.jsonl'
const changeOf = (resource: string, push: string): Change => ({
  push,
  resource,
  version: 2,
  digest: 'd',
  document: '',
  by: 'pusher',
  under: null,
  previous: null
})
const begins = (resource: string, push: string): Entry => ({
  entry: 'step',
  step: 'validate',
  change: changeOf(resource, push)
})

/** A disk in memory that can be full. */
function disk() {
  const content = new Map<string, string>()
  const state = { full: false }
  const room = (): void => {
    if (state.full) throw new DiskError('write', path, 'ENOSPC')
  }
  const files: Files = {
    read: (name) => content.get(name),
    write: (name, text) => {
      room()
      content.set(name, text)
    },
    append: (name, line) => {
      room()
      content.set(name, `${content.get(name) ?? ''}${line}\n`)
    },
    remove: (name) => void content.delete(name),
    list: () => []
  }
  return { files, state, open: () => openJournal({ files, path, log: silentLog }) }
}

test('a doubt that a full disk refused is on disk before the next change begins', () => {
  const { state, open } = disk()
  const journal = open()
  journal.append(begins('aim', 'push-1'))
  journal.append({ entry: 'step', step: 'write' })
  state.full = true
  journal.note({ entry: 'end', ending: 'unverified', why: 'the disk is full', outcome: null })
  assert.throws(() => journal.append(begins('safety', 'push-2')), DiskError)
  state.full = false
  journal.append(begins('safety', 'push-2'))
  const restarted = open()
  assert.deepEqual([...restarted.state.unverified.keys()], ['aim'])
  assert.equal(restarted.state.open?.change.resource, 'safety')
  assert.deepEqual(restarted.state, journal.state)
})

test('what a full disk refused is not written twice once the journal was trimmed', () => {
  const { files, state, open } = disk()
  const journal = open()
  journal.append(begins('aim', 'push-1'))
  state.full = true
  journal.note({ entry: 'end', ending: 'refused', why: 'no', outcome: null })
  state.full = false
  journal.note({ entry: 'noted', push: 'push-1' })
  assert.equal(files.read(path), '')
  journal.append(begins('safety', 'push-2'))
  assert.equal(files.read(path)?.split('\n').length, 2)
})
