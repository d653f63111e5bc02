import type { LocksmithHost } from '../programs/locksmith.ts'

/** A grant as it is in Locksmith's store. */
export interface StoredGrant {
  readonly request: string
  readonly session: number
  readonly name: string
  readonly locks: readonly { readonly lock: string; readonly fence: number }[]
}

/** Tells of each grant as it becomes durable, `isNew` for the first time. */
export function onGrant(
  locksmith: LocksmithHost,
  tell: (grant: StoredGrant & { readonly isNew: boolean }) => void
): void {
  const known = new Set<string>()
  locksmith.onCommit.push((changes) => {
    for (const { kind, value } of changes) {
      if (kind !== 'grant' || value === undefined) continue
      const grant = value as StoredGrant
      const isNew = !known.has(grant.request) && grant.locks.length > 0
      known.add(grant.request)
      tell({ ...grant, isNew })
    }
  })
}
