import type { Ask, FleetSession, Grant } from './types.ts'

/**
 * Runs `work` while the locks are held and releases them afterwards, whatever happens. `work` is handed the grant: it begins
 * no step once `grant.leftMs()` is 0 and hands `grant.lost` to whatever can be aborted.
 */
export async function using<T>(
  session: FleetSession,
  ask: Ask,
  work: (grant: Grant) => Promise<T>
): Promise<T> {
  const grant = await session.acquire(ask)
  try {
    return await work(grant)
  } finally {
    await grant.release()
  }
}
