import type { LocksmithHost } from '../programs/locksmith.ts'
import type { World } from '../world.ts'
import type { Asked } from './asked.ts'

interface StoredLock {
  readonly name: string
  readonly state: string
  readonly fence: number
  readonly request: string | null
  readonly owner: { readonly name: string; readonly session: number } | null
  readonly term: number
  readonly rev: number
}

interface Reply {
  readonly op: string
  readonly session: number
  readonly seq: number
  readonly leaseMs: number
  readonly term: number
  readonly rev: number
  readonly holding: readonly { readonly lock: string; readonly fence: number }[]
}

/**
 * Promise 17: a living owner loses nothing over a restart. As long as the disk says that it holds what its heartbeat names, the
 * reply says so too: it would lose it by the reply.
 */
export function judgeLiving(world: World, locksmith: LocksmithHost, asked: Asked): void {
  const held = new Map<string, StoredLock>()
  const take = (key: string, lock: StoredLock | undefined): void => {
    if (lock?.state === 'held') held.set(key, lock)
    else held.delete(key)
  }
  locksmith.onCommit.push((changes) => {
    for (const { kind, key, value } of changes)
      if (kind === 'lock') take(key, value as StoredLock | undefined)
  })
  locksmith.onRestore.push(() => {
    held.clear()
    for (const { kind, key, value } of locksmith.disk.rows.values())
      if (kind === 'lock') take(key, value as StoredLock)
  })
  const heldBy = (session: number): readonly StoredLock[] =>
    [...held.values()].filter((lock) => lock.owner?.session === session)
  locksmith.onReply.push((text) => {
    if (!text.includes('"op":"heartbeat"') || !locksmith.serving) return
    const { op, session, seq, leaseMs, term, rev, holding } = JSON.parse(text) as Reply
    if (op !== 'heartbeat' || leaseMs <= 0) return
    for (const { name, fence, request, ...row } of heldBy(session)) {
      // What was granted after the reply was given is told by the next one.
      if (row.term === term && row.rev > rev) continue
      if (request === null || !asked.stillWants(session, request)) continue
      // An answer to a heartbeat that came again is no answer to its sender.
      if (asked.newest(session, request).heartbeat?.seq !== seq) continue
      if (holding.some((one) => one.lock === name && one.fence === fence)) continue
      world.violate(
        17,
        `${name} (fence ${fence}) is held by ${row.owner?.name}, which is told that it has nothing`
      )
    }
  })
}
