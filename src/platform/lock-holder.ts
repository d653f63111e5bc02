import { readFileSync, statSync } from 'node:fs'

export interface LockHolder {
  readonly pid: number
  /** Its command line; empty when the kernel does not show it. */
  readonly command: string
}

/**
 * The process of this machine that has locked the file for writing (fcntl, as SQLite does), as /proc/locks tells; undefined
 * when nobody has, or when it lives in another pid namespace. For people: it may have ended when it is read.
 */
export function lockHolder(path: string): LockHolder | undefined {
  try {
    const file = inodeOf(path)
    const line = readFileSync('/proc/locks', 'utf8')
      .split('\n')
      .map((text) => text.trim().split(/\s+/))
      .find(([, , , mode, , inode]) => mode === 'WRITE' && inode === file)
    const pid = Number(line?.[4])
    return Number.isSafeInteger(pid) && pid > 0 ? { pid, command: commandOf(pid) } : undefined
  } catch {
    return undefined
  }
}

/** As /proc/locks writes it: major and minor of the device in hex, and the inode. */
function inodeOf(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true })
  const major = (dev >> 8n) & 0xfffn
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xfff00n)
  const hex = (number: bigint): string => number.toString(16).padStart(2, '0')
  return `${hex(major)}:${hex(minor)}:${ino}`
}

function commandOf(pid: number): string {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim()
    return words.replaceAll(/\p{Cc}/gu, ' ').slice(0, 200)
  } catch {
    return ''
  }
}
