import type { Log } from '../platform/logger.ts'
import { type Store, StoreError } from './store.ts'

/** Links of the audit that are kept. */
const AUDIT_KEPT = 100_000

/** Returns what removes the links that are too old, given the newest; in steps of a hundredth, so that a sweep costs little. */
export function oldAudit(store: Store, log: Log): (newest: number) => void {
  let keptFrom = 0
  return (newest) => {
    const from = newest - AUDIT_KEPT
    if (from < keptFrom + AUDIT_KEPT / 100) return
    try {
      store.forgetAuditBefore(from)
      keptFrom = from
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      log.warn({ event: 'audit-kept', why: error.message }, 'old audit could not be removed')
    }
  }
}
