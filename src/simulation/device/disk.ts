import { DiskError, type Files } from '../../platform/durable-file.ts'
import type { Life } from '../life.ts'

/** What a power cut in the middle of a write leaves behind. */
export type Cut = 'none' | 'before' | 'torn' | 'after'

export interface DiskOptions {
  /** Asked before each write. */
  readonly cut: (life: Life) => Cut
  /** Told of each line that was to be added. */
  readonly appended: (path: string, line: string, kept: boolean) => void
}

/** The disk of a device: it outlives the processes that write to it. */
export class VirtualDisk {
  readonly #content = new Map<string, string>()
  readonly #options: DiskOptions
  /** Set while the disk takes nothing. */
  full = false

  constructor(options: DiskOptions) {
    this.#options = options
  }

  read(path: string): string | undefined {
    return this.#content.get(path)
  }

  /** As one process sees it. */
  filesOf(life: Life): Files {
    const change = (path: string, act: () => void, tear?: () => void): void => {
      if (life.dead) throw new DiskError('write', path, 'EIO')
      if (this.full) throw new DiskError('write', path, 'ENOSPC')
      const cut = this.#options.cut(life)
      if (cut === 'none' || cut === 'after') act()
      else if (cut === 'torn') tear?.()
      if (cut === 'none') return
      life.kill()
      throw new DiskError('write', path, 'EIO')
    }
    const content = this.#content
    return {
      read: (path) => content.get(path),
      write: (path, text) => change(path, () => content.set(path, text)),
      append: (path, line) => {
        if (life.dead) throw new DiskError('append to', path, 'EIO')
        const before = content.get(path) ?? ''
        const whole = before === '' || before.endsWith('\n') ? before : `${before}\n`
        const torn = line.slice(0, Math.floor(line.length * life.random()))
        let kept = false
        try {
          change(
            path,
            () => {
              content.set(path, `${whole}${line}\n`)
              kept = true
            },
            () => content.set(path, `${whole}${torn}`)
          )
        } finally {
          this.#options.appended(path, line, kept)
        }
      },
      remove: (path) => change(path, () => content.delete(path)),
      list: (folder) =>
        [...content.keys()]
          .filter((path) => path.startsWith(`${folder}/`) && !path.slice(folder.length + 1).includes('/'))
          .map((path) => path.slice(folder.length + 1))
          .sort()
    }
  }
}
