import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { lockHolder } from '../platform/lock-holder.ts'
import type { DurableKind } from '../rules/fleet.ts'
import { type AuditLink, type Store, type StoredChange, type StoredRow, StoreError } from './store.ts'

const SCHEMA_VERSION = 1

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS value (kind TEXT NOT NULL, key TEXT NOT NULL, json TEXT NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS audit (seq INTEGER PRIMARY KEY, entry TEXT NOT NULL, hash TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
`

/**
 * SQLite in WAL mode with synchronous=FULL: a commit costs about one fdatasync, and a power cut loses nothing that was
 * answered. One process at a time: a second one is refused instead of corrupting or waiting.
 *
 * @throws StoreError, fatal when the file is no database, is damaged, is of a newer version or is in use
 */
export function openSqliteStore(file: string): Store {
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(file)
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;')
    const check = db.prepare('PRAGMA quick_check').get() as { quick_check: string } | undefined
    if (check?.quick_check !== 'ok') throw new Error(`damaged: ${check?.quick_check}`)
    const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number }
    if (version > SCHEMA_VERSION)
      throw new Error(`written by a newer Locksmith (schema ${version}, this one knows ${SCHEMA_VERSION})`)
    db.exec(`BEGIN IMMEDIATE; ${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`)
    return new SqliteStore(db, file)
  } catch (error) {
    db?.close()
    throw unusable(file, error)
  }
}

/** The disk's trouble, not the database's: with space, or writable, the same file is fit for use. */
const MAY_PASS = /disk is full|disk I\/O error|readonly database/i

/** One line that names the file. */
function unusable(file: string, error: unknown): StoreError {
  const message = (error as Error).message.replaceAll(/\s+/g, ' ')
  if (/locked|busy/i.test(message)) return new StoreError(`${file}: ${inUseBy(file)}`, true, true)
  return new StoreError(`${file}: ${message}`, !MAY_PASS.test(message))
}

function inUseBy(file: string): string {
  const holder = lockHolder(file)
  if (holder === undefined) return 'another process uses it'
  return `process ${holder.pid} uses it${holder.command === '' ? '' : ` (${holder.command})`}`
}

interface JsonRow {
  readonly kind: DurableKind
  readonly key: string
  readonly json: string
}

function parseRow({ kind, key, json }: JsonRow): StoredRow {
  try {
    return { kind, key, value: JSON.parse(json) as unknown }
  } catch (error) {
    throw new Error(`damaged: ${kind} ${key} cannot be read (${(error as Error).message})`)
  }
}

class SqliteStore implements Store {
  readonly #db: DatabaseSync
  readonly #file: string
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  readonly #put: StatementSync
  readonly #remove: StatementSync
  readonly #audit: StatementSync
  readonly #fact: StatementSync

  constructor(db: DatabaseSync, file: string) {
    this.#db = db
    this.#file = file
    this.#begin = db.prepare('BEGIN IMMEDIATE')
    this.#commit = db.prepare('COMMIT')
    this.#put = db.prepare(
      'INSERT INTO value (kind, key, json) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET json = excluded.json'
    )
    this.#remove = db.prepare('DELETE FROM value WHERE kind = ? AND key = ?')
    this.#audit = db.prepare('INSERT INTO audit (seq, entry, hash) VALUES (?, ?, ?)')
    this.#fact = db.prepare('INSERT OR REPLACE INTO fact (name, value) VALUES (?, ?)')
  }

  load(): StoredRow[] {
    try {
      const rows = this.#db.prepare('SELECT kind, key, json FROM value').all() as unknown as JsonRow[]
      return rows.map(parseRow)
    } catch (error) {
      throw unusable(this.#file, error)
    }
  }

  lastBoot(): string | undefined {
    const row = this.#db.prepare("SELECT value FROM fact WHERE name = 'boot'").get() as
      | { value: string }
      | undefined
    return row?.value
  }

  lastAudit(): AuditLink | undefined {
    return this.#db.prepare('SELECT seq, entry, hash FROM audit ORDER BY seq DESC LIMIT 1').get() as
      | AuditLink
      | undefined
  }

  commit(changes: readonly StoredChange[], audit: readonly AuditLink[], boot: string): void {
    try {
      this.#begin.run()
      for (const { kind, key, value } of changes) {
        if (value === undefined) this.#remove.run(kind, key)
        else this.#put.run(kind, key, JSON.stringify(value))
      }
      for (const { seq, entry, hash } of audit) this.#audit.run(seq, entry, hash)
      if (boot !== this.#boot) this.#fact.run('boot', boot)
      this.#commit.run()
      this.#boot = boot
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw new StoreError((error as Error).message, false)
    }
  }

  #boot: string | undefined

  forgetAuditBefore(seq: number): void {
    try {
      this.#db.prepare('DELETE FROM audit WHERE seq < ?').run(seq)
    } catch (error) {
      throw new StoreError((error as Error).message, false)
    }
  }

  close(): void {
    this.#db.close()
  }
}
