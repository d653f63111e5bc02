import { type AuditLink, type Store, type StoredChange, type StoredRow, StoreError } from './store.ts'

/** What a memory store keeps between two lives of Locksmith: a disk that can be copied, restored, or refuse to be written. */
export interface MemoryDisk {
  readonly rows: Map<string, StoredRow>
  audit: AuditLink[]
  boot: string | undefined
  /** Set to have every commit fail, as a full disk does. */
  refuses: string | undefined
}

export const emptyDisk = (): MemoryDisk => ({
  rows: new Map(),
  audit: [],
  boot: undefined,
  refuses: undefined
})

/** A copy, as a backup makes one. */
export const copyDisk = (disk: MemoryDisk): MemoryDisk => ({
  ...disk,
  rows: new Map(disk.rows),
  audit: [...disk.audit]
})

/** For the simulator and for tests: the same face on a plain map. Values go through JSON, as they do on a real disk. */
export function openMemoryStore(disk: MemoryDisk): Store {
  const put = ({ kind, key, value }: StoredChange): void => {
    const place = `${kind}/${key}`
    if (value === undefined) disk.rows.delete(place)
    else disk.rows.set(place, { kind, key, value: JSON.parse(JSON.stringify(value)) as unknown })
  }
  return {
    load: () => [...disk.rows.values()],
    lastBoot: () => disk.boot,
    lastAudit: () => disk.audit.at(-1),
    commit: (changes, audit, boot) => {
      if (disk.refuses !== undefined) throw new StoreError(disk.refuses, false)
      for (const change of changes) put(change)
      disk.audit.push(...audit)
      disk.boot = boot
    },
    forgetAuditBefore: (seq) => {
      disk.audit = disk.audit.filter((link) => link.seq >= seq)
    },
    close: () => {}
  }
}
