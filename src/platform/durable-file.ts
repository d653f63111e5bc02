import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DiskError, reportingDiskErrors } from './disk-error.ts'

export { DiskError } from './disk-error.ts'

/**
 * The disk as the rest of the code sees it; the simulator hands in another one. Calls are synchronous: each is a step
 * that has to be on disk before the next one, and a state file takes well under a millisecond. When a call returns,
 * what it did survives a power cut. Every failure is a DiskError.
 */
export interface Files {
  /** The whole text, or undefined when there is no such file. */
  read(path: string): string | undefined
  /** Replaces the file whole, or not at all. */
  write(path: string, content: string): void
  /** Adds one line (given without its end). What a power cut tore before stays a line of its own. */
  append(path: string, line: string): void
  /** Does nothing when there is no such file. */
  remove(path: string): void
  /** Names in the folder, sorted, without unfinished files; none when there is no such folder. */
  list(folder: string): readonly string[]
}

export interface WriteOptions {
  /** Permission bits, whatever the umask. */
  readonly mode?: number
}

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY, W_OK } = constants
const largestFileBytes = 64 * 1024 * 1024
const unfinished = /^\..*\.unfinished$/
const newline = 0x0a

export function systemFiles(): Files {
  return {
    read: readIfThere,
    write: writeDurably,
    append: appendDurably,
    remove: removeDurably,
    list: listFolder
  }
}

/**
 * Replaces a file whole: a temporary file beside it, fsync, rename, fsync of the folder. Missing folders are made. A
 * symbolic link at `path` is replaced, never followed. One process writes a given file: the temporary name is fixed, so
 * that what an earlier power cut left behind is cleared by the next write.
 *
 * @throws DiskError; the old content is then still in place
 */
export function writeDurably(path: string, content: string, options: WriteOptions = {}): void {
  reportingDiskErrors('write', path, () => {
    const folder = dirname(path)
    makeFolder(folder)
    const temporary = join(folder, `.${basename(path)}.unfinished`)
    rmSync(temporary, { force: true })
    try {
      withFile(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, (fd) => {
        if (options.mode !== undefined) fchmodSync(fd, options.mode)
        writeFileSync(fd, content)
        fsyncSync(fd)
      })
      renameSync(temporary, path)
    } catch (error) {
      rmSync(temporary, { force: true })
      throw error
    }
    syncFolder(folder)
  })
}

/**
 * Adds one line to a file and waits until it is on disk. A line that a power cut tore is ended first, so that the new
 * one stands alone; a line that did not fit is taken back.
 *
 * @throws DiskError; the file is then as long as before
 */
export function appendDurably(path: string, line: string): void {
  reportingDiskErrors('append to', path, () => {
    makeFolder(dirname(path))
    withFile(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, (fd) => {
      const size = plainFileSize(fd, path)
      try {
        writeFileSync(fd, endsInMidLine(fd, size) ? `\n${line}\n` : `${line}\n`)
        fdatasyncSync(fd)
      } catch (error) {
        ftruncateSync(fd, size)
        throw error
      }
      if (size === 0) syncFolder(dirname(path))
    })
  })
}

/** @throws DiskError when the file is there and cannot be read, or is a link, no plain file, or above 64 MiB */
export function readIfThere(path: string): string | undefined {
  return reportingDiskErrors('read', path, () =>
    unlessMissing(() =>
      withFile(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, (fd) => {
        if (plainFileSize(fd, path) > largestFileBytes) throw new DiskError('read', path, 'EFBIG')
        return readFileSync(fd, 'utf8')
      })
    )
  )
}

/** @throws DiskError */
export function removeDurably(path: string): void {
  reportingDiskErrors('remove', path, () =>
    unlessMissing(() => {
      unlinkSync(path)
      syncFolder(dirname(path))
    })
  )
}

/** @throws DiskError */
export function listFolder(folder: string): readonly string[] {
  const names = reportingDiskErrors('list', folder, () => unlessMissing(() => readdirSync(folder)))
  return (names ?? []).filter((name) => !unfinished.test(name)).sort()
}

function withFile<T>(path: string, flags: number, use: (fd: number) => T): T {
  const fd = openSync(path, flags, 0o644)
  try {
    return use(fd)
  } finally {
    closeSync(fd)
  }
}

function plainFileSize(fd: number, path: string): number {
  const stats = fstatSync(fd)
  if (stats.isDirectory()) throw new DiskError('use', path, 'EISDIR')
  if (!stats.isFile()) throw new DiskError('use', path, 'ENOTFILE')
  return stats.size
}

function endsInMidLine(fd: number, size: number): boolean {
  if (size === 0) return false
  const last = Buffer.alloc(1)
  readSync(fd, last, 0, 1, size - 1)
  return last[0] !== newline
}

function unlessMissing<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/**
 * Makes sure that a plain file can be read and written at `path`, and others be made beside it, for a library that does so
 * itself and says less when it cannot. Missing folders are made, and the file, empty.
 *
 * @throws DiskError
 */
export function makeRoomFor(path: string): void {
  reportingDiskErrors('use', path, () => {
    makeFolder(dirname(path))
    withFile(path, O_RDWR | O_CREAT | O_NONBLOCK, (fd) => plainFileSize(fd, path))
    accessSync(dirname(path), W_OK)
  })
}

/**
 * Makes the folder and those above it, each of them durable in its parent. Not by Node's own `recursive`: that never returns
 * where the parent is there and takes no folder, as in /proc.
 */
function makeFolder(folder: string): void {
  if (isFolder(folder)) return
  try {
    mkdirSync(folder)
  } catch (error) {
    if (isFolder(folder)) return
    if (!isMissing(error) || isFolder(dirname(folder))) throw error
    makeFolder(dirname(folder))
    mkdirSync(folder)
  }
  syncFolder(dirname(folder))
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT'

/** A new name is durable only once its folder is. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, O_RDONLY)
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
