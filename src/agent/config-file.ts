import { createHash } from 'node:crypto'
import type { Clock } from '../platform/clock.ts'
import type { Files } from '../platform/durable-file.ts'
import { parseDocument } from '../protocol/document.ts'
import { LocksmithError } from '../protocol/errors.ts'

/** SHA-256 of a document's bytes as pushed. */
export const digestOf = (document: string): string => createHash('sha256').update(document).digest('hex')

/** One resource's configuration as the file on this device has it. */
export interface ConfigFile {
  /** The bytes as pushed, without the comment line. */
  readonly document: string
  readonly digest: string
  readonly version: number
  /** 0 when the file was put there by hand. */
  readonly fence: number
  /** Why its content is of no use; its version is then 0. */
  readonly broken?: string
}

export interface Touch {
  readonly document: string
  readonly version: number
  readonly fence: number
  readonly by: string
}

/** The configuration files of a device, each replaced whole, each with its last verified predecessor beside it. */
export interface ConfigFiles {
  /** Grows whenever a file is touched. */
  readonly touched: number
  /** @throws DiskError when the file is there and cannot be read */
  read(resource: string): ConfigFile | undefined
  /** Keeps what is there as the predecessor, then puts the new content in its place. @throws DiskError */
  replace(resource: string, touch: Touch): void
  /** Puts the predecessor of that digest back; null: there was none. False when it is not there any more. @throws DiskError */
  restore(resource: string, digest: string | null): boolean
  /** Names of the resources that have a file. */
  list(): readonly string[]
}

const FIRST_LINE = /^# last touched by (\S+) at (\S+), version (\d+), fence (\d+)\r?\n/

export function configFiles(files: Files, stateDir: string, clock: Clock): ConfigFiles {
  const folder = `${stateDir}/config`
  const path = (resource: string): string => `${folder}/${resource}.toml`
  const previous = (resource: string): string => `${folder}/${resource}.previous.toml`
  let touched = 0
  return {
    get touched() {
      return touched
    },
    read: (resource) => parseFile(files.read(path(resource))),
    replace: (resource, touch) => {
      touched += 1
      const old = files.read(path(resource))
      if (old !== undefined) files.write(previous(resource), old)
      files.write(path(resource), commentLine(touch, clock.wall()) + touch.document)
    },
    restore: (resource, digest) => {
      touched += 1
      if (digest === null) {
        files.remove(path(resource))
        return true
      }
      const old = files.read(previous(resource))
      if (old === undefined || parseFile(old)?.digest !== digest) return false
      files.write(path(resource), old)
      return true
    },
    list: () =>
      files
        .list(folder)
        .filter((name) => name.endsWith('.toml') && !name.endsWith('.previous.toml'))
        .map((name) => name.slice(0, -'.toml'.length))
  }
}

const commentLine = ({ by, version, fence }: Touch, at: Date): string =>
  `# last touched by ${by} at ${at.toISOString().replace(/\.\d{3}Z$/, 'Z')}, version ${version}, fence ${fence}\n`

function parseFile(text: string | undefined): ConfigFile | undefined {
  if (text === undefined) return undefined
  const first = FIRST_LINE.exec(text)
  const document = first === null ? text : text.slice(first[0].length)
  const common = { document, digest: digestOf(document), fence: Number(first?.[4] ?? 0) }
  try {
    return { ...common, version: parseDocument(document).version }
  } catch (error) {
    if (!(error instanceof LocksmithError)) throw error
    return { ...common, version: 0, broken: error.message }
  }
}
