import { DiskError, type Files } from '../../platform/durable-file.ts'
import type { Cut } from '../faults/dealer.ts'
import type { Life } from '../life.ts'

/** What is wrong with a disk at present. */
export interface DiskTrouble {
  /** Set while it takes nothing. */
  refuses: 'ENOSPC' | 'EROFS' | undefined
  /** How long a write takes; the process waits for it. */
  writeMs: number
}

export interface DiskOptions {
  /** Asked before each write. */
  readonly cut: (life: Life) => Cut
  /** Told of each line that was to be added. */
  readonly appended: (path: string, line: string, kept: boolean) => void
  /** Told of each file that was replaced. */
  readonly replaced?: (path: string, text: string) => void
}

/** The disk of a device: it outlives the processes that write to it. */
export class VirtualDisk {
  readonly #content = new Map<string, string>()
  readonly #options: DiskOptions
  readonly trouble: DiskTrouble = { refuses: undefined, writeMs: 0 }

  constructor(options: DiskOptions) {
    this.#options = options
  }

  read(path: string): string | undefined {
    return this.#content.get(path)
  }

  becalm(): void {
    this.trouble.refuses = undefined
    this.trouble.writeMs = 0
  }

  /** Everything on another disk is on this one. */
  copyFrom(other: VirtualDisk): void {
    this.#content.clear()
    for (const [path, text] of other.#content) this.#content.set(path, text)
  }

  /** As one process sees it. */
  filesOf(life: Life): Files {
    const content = this.#content
    return {
      read: (path) => content.get(path),
      write: (path, text) =>
        this.#change(life, path, () => {
          content.set(path, text)
          this.#options.replaced?.(path, text)
        }),
      append: (path, line) => this.#append(life, path, line),
      remove: (path) => this.#change(life, path, () => content.delete(path)),
      list: (folder) =>
        [...content.keys()]
          .filter((path) => path.startsWith(`${folder}/`) && !path.slice(folder.length + 1).includes('/'))
          .map((path) => path.slice(folder.length + 1))
          .sort()
    }
  }

  #change(life: Life, path: string, act: () => void, tear?: () => void): void {
    const { refuses, writeMs } = this.trouble
    if (life.dead) throw new DiskError('write', path, 'EIO')
    if (refuses !== undefined) throw new DiskError('write', path, refuses)
    const cut = this.#options.cut(life)
    if (cut === 'none' || cut === 'after') act()
    else if (cut === 'torn') tear?.()
    if (cut === 'none') {
      if (writeMs > 0) life.stall(writeMs)
      return
    }
    life.kill()
    throw new DiskError('write', path, 'EIO')
  }

  #append(life: Life, path: string, line: string): void {
    if (life.dead) throw new DiskError('append to', path, 'EIO')
    const content = this.#content
    const before = content.get(path) ?? ''
    const whole = before === '' || before.endsWith('\n') ? before : `${before}\n`
    const torn = line.slice(0, Math.floor(line.length * life.random()))
    let kept = false
    const add = (): void => {
      content.set(path, `${whole}${line}\n`)
      kept = true
    }
    try {
      this.#change(life, path, add, () => content.set(path, `${whole}${torn}`))
    } finally {
      this.#options.appended(path, line, kept)
    }
  }
}
