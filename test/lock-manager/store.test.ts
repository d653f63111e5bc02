import assert from 'node:assert/strict'
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import {
  emptyDisk,
  openMemoryStore,
  openSqliteStore,
  parseFenceFile,
  printFenceFile,
  type Store,
  StoreError
} from '../../src/lock-manager/index.ts'
import { temporaryFolder } from '../support/temporary.ts'

interface Kind {
  readonly name: string
  /** Opens the same place again and again. */
  readonly place: (t: TestContext) => () => Store
}

const kinds: Kind[] = [
  {
    name: 'memory',
    place: () => {
      const disk = emptyDisk()
      return () => openMemoryStore(disk)
    }
  },
  {
    name: 'sqlite',
    place: (t) => {
      const file = join(temporaryFolder(t), 'locksmith.db')
      return () => openSqliteStore(file)
    }
  }
]

for (const { name, place } of kinds) {
  test(`${name}: what was committed is there when it is opened again, what was removed is not`, (t) => {
    const open = place(t)
    const first = open()
    first.commit([{ kind: 'lock', key: 'a', value: { n: 1 } }], [], 'boot-1')
    first.commit(
      [
        { kind: 'lock', key: 'a', value: { n: 2 } },
        { kind: 'lock', key: 'b', value: { text: 'ä "quoted" \u0000' } }
      ],
      [],
      'boot-1'
    )
    first.commit([{ kind: 'lock', key: 'a', value: undefined }], [], 'boot-2')
    first.close()
    const second = open()
    assert.deepEqual(
      second.load().map((row) => ({ ...row })),
      [{ kind: 'lock', key: 'b', value: { text: 'ä "quoted" \u0000' } }]
    )
    assert.equal(second.lastBoot(), 'boot-2')
    second.close()
  })

  test(`${name}: a new one is empty and knows no boot`, (t) => {
    const store = place(t)()
    assert.deepEqual([store.load(), store.lastBoot(), store.lastAudit()], [[], undefined, undefined])
    store.close()
  })

  test(`${name}: the last link of the audit is found again, and old ones can be forgotten`, (t) => {
    const open = place(t)
    const store = open()
    const links = [1, 2, 3].map((seq) => ({ seq, entry: `e${seq}`, hash: `h${seq}` }))
    store.commit([], links, 'boot-1')
    store.forgetAuditBefore(3)
    store.close()
    const again = open()
    assert.deepEqual({ ...again.lastAudit() }, links[2])
    again.close()
  })
}

test('sqlite: a commit that fails in the middle has changed nothing', (t) => {
  const file = join(temporaryFolder(t), 'locksmith.db')
  const store = openSqliteStore(file)
  const link = { seq: 1, entry: 'e', hash: 'h' }
  store.commit([], [link], 'boot-1')
  const change = { kind: 'lock', key: 'a', value: 1 } as const
  assert.throws(
    () => store.commit([change], [link], 'boot-1'),
    (error: unknown) => error instanceof StoreError && !error.fatal
  )
  assert.deepEqual(store.load(), [])
  store.commit([change], [], 'boot-1')
  assert.equal(store.load().length, 1)
  store.close()
})

/** What a store that cannot be used says; it must be fatal, and one line that names the file. */
function refusalOf(open: () => Store): string {
  try {
    open().load()
  } catch (error) {
    assert.ok(error instanceof StoreError, String(error))
    assert.ok(error.fatal)
    return error.message
  }
  return assert.fail('it was opened')
}

test('sqlite: a file that is no database is refused in words', (t) => {
  const file = join(temporaryFolder(t), 'locksmith.db')
  writeFileSync(file, 'this is not a database, but it is long enough to look at '.repeat(50))
  assert.match(
    refusalOf(() => openSqliteStore(file)),
    /locksmith\.db: .*not a database/
  )
})

test('sqlite: a damaged database is refused in words', (t) => {
  const file = join(temporaryFolder(t), 'locksmith.db')
  const store = openSqliteStore(file)
  const many = Array.from({ length: 500 }, (_, key) => ({
    kind: 'lock' as const,
    key: String(key),
    value: 'x'.repeat(200)
  }))
  store.commit(many, [], 'boot-1')
  store.close()
  const damage = new DatabaseSync(file)
  const { page_size: size } = damage.prepare('PRAGMA page_size').get() as { page_size: number }
  const { page_count: pages } = damage.prepare('PRAGMA page_count').get() as { page_count: number }
  damage.close()
  const bytes = Buffer.alloc(size, 0xff)
  for (let page = 2; page < pages; page += 3) writeAt(file, bytes, page * size)
  const said = refusalOf(() => openSqliteStore(file))
  assert.match(said, /locksmith\.db: .*(damaged|malformed)/)
  assert.ok(!said.includes('\n'), 'one line')
})

test('sqlite: a value that cannot be read is refused in words', (t) => {
  const file = join(temporaryFolder(t), 'locksmith.db')
  const store = openSqliteStore(file)
  store.commit([{ kind: 'lock', key: '*:aim', value: 1 }], [], 'boot-1')
  store.close()
  const harm = new DatabaseSync(file)
  harm.exec("UPDATE value SET json = '{half'")
  harm.close()
  assert.match(
    refusalOf(() => openSqliteStore(file)),
    /lock \*:aim/
  )
})

test('sqlite: a database of a newer Locksmith is refused, and left as it was', (t) => {
  const file = join(temporaryFolder(t), 'locksmith.db')
  openSqliteStore(file).close()
  const newer = new DatabaseSync(file)
  newer.exec('PRAGMA user_version = 99')
  newer.close()
  assert.match(
    refusalOf(() => openSqliteStore(file)),
    /newer Locksmith \(schema 99/
  )
})

test('sqlite: a database that another has open is refused at once, and the other goes on', (t) => {
  const file = join(temporaryFolder(t), 'locksmith.db')
  const first = openSqliteStore(file)
  assert.match(
    refusalOf(() => openSqliteStore(file)),
    new RegExp(`process ${process.pid} uses it`)
  )
  first.commit([{ kind: 'lock', key: 'a', value: 1 }], [], 'boot-1')
  first.close()
})

test('sqlite: a folder that is not there is refused in words', (t) => {
  const file = join(temporaryFolder(t), 'nowhere', 'locksmith.db')
  assert.match(
    refusalOf(() => openSqliteStore(file)),
    /unable to open/
  )
})

test('the fence file is read as it was written, and nothing else is', () => {
  assert.equal(parseFenceFile(printFenceFile(4711)), 4711)
  assert.equal(parseFenceFile(undefined), 0)
  for (const bad of ['', '{', '{}', '{"fenceLimit":-1}', '{"fenceLimit":"7"}', 'null', '{"fenceLimit":1.5}'])
    assert.throws(() => parseFenceFile(bad), bad)
})

function writeAt(file: string, bytes: Buffer, at: number): void {
  const fd = openSync(file, 'r+')
  writeSync(fd, bytes, 0, bytes.length, at)
  closeSync(fd)
}
