import type { Fleet } from '../rules/fleet.ts'

/** What is kept for how long after nobody needs it any more. Milliseconds. */
const KEEP = { push: 60 * 60_000, operation: 24 * 60 * 60_000 } as const
/** An ended grant answers late repeats of its request; owners that still name it no longer ask for it. */
const ENDED_GRANT_LEASES = 8
/** A session that has been silent this many lease times is forgotten, unless it still owns something. */
const SILENT_LEASES = 20

export interface Collected {
  readonly grants: number
  readonly sessions: number
  readonly pushes: number
  readonly operations: number
}

/** Sweeps what nobody asked about. It frees no lock: that is the rules' own business and never waits for a sweep. */
export function collect(fleet: Fleet, now: number): Collected {
  const owners = new Set([...fleet.busy.values()].map((lock) => lock.owner?.session))
  const grants = sweep(
    fleet.grants.values(),
    (grant) => grant.ended !== null && now - grant.ended.at > ENDED_GRANT_LEASES * fleet.options.ttlMs
  )
  for (const grant of grants) fleet.grants.remove(grant.request)
  const sessions = sweep(fleet.sessions.values(), (session) => {
    const silentSince = fleet.contacts.get(String(session.session))?.leaseUntil ?? Number.NEGATIVE_INFINITY
    const inService = session.kind === 'agent' && session.replacedBy === null
    return (
      !inService && !owners.has(session.session) && now - silentSince > SILENT_LEASES * fleet.options.ttlMs
    )
  })
  for (const session of sessions) {
    fleet.sessions.remove(String(session.session))
    fleet.contacts.remove(String(session.session))
  }
  const lastOperationAt = now - KEEP.operation
  const operations = sweep(fleet.operations.values(), (operation) => operation.at < lastOperationAt)
  for (const operation of operations) fleet.operations.remove(operation.operation)
  const ended = sweep(
    fleet.pushes.values(),
    (push) => push.state !== 'open' && now - push.endedAt > KEEP.push
  )
  for (const push of ended) fleet.pushes.remove(push.id)
  return {
    grants: grants.length,
    sessions: sessions.length,
    pushes: ended.length,
    operations: operations.length
  }
}

const sweep = <T>(values: Iterable<T>, due: (value: T) => boolean): T[] => [...values].filter(due)
