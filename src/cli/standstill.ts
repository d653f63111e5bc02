import type { Grant } from '../client/index.ts'
import { readLocks } from './answers.ts'
import type { FleetAccess } from './connect.ts'
import { anyAborted } from './stop.ts'

const LOOK_EVERY_MS = 250

interface Standing {
  readonly devices: number
  readonly standing: number
  readonly unreachable: number
}

/**
 * Waits until every device below the granted locks that can be reached has proved that it stands still under them. Throws
 * when the grant is lost or `signal` aborts first.
 */
export async function waitForStandstill(
  fleet: FleetAccess,
  grant: Grant,
  signal: AbortSignal,
  note: (text: string) => void
): Promise<void> {
  let told = ''
  for (;;) {
    const seen = await lookAt(fleet, grant)
    const missing = seen.devices - seen.standing - seen.unreachable
    const text = `${seen.standing} of ${seen.devices} devices stand still, ${seen.unreachable} unreachable`
    if (text !== told) note(text)
    told = text
    if (missing <= 0) return
    await pause(fleet, [grant.lost, signal])
  }
}

/** Summed over the granted locks. A lock that is not listed under our fence is not ours any more: nothing is proved. */
async function lookAt(fleet: FleetAccess, grant: Grant): Promise<Standing> {
  const locks = readLocks(await fleet.query('locks'))
  const seen = grant.locks.map(({ lock, fence }) =>
    locks.find((one) => one.lock === lock && one.fence === fence)
  )
  const sum = (pick: (paused: Standing) => number): number =>
    seen.reduce((total, one) => total + (one === undefined ? 0 : pick(one.paused)), 0)
  return {
    devices: sum((paused) => paused.devices) + seen.filter((one) => one === undefined).length,
    standing: sum((paused) => paused.standing),
    unreachable: sum((paused) => paused.unreachable)
  }
}

async function pause(fleet: FleetAccess, ends: readonly AbortSignal[]): Promise<void> {
  const due = new AbortController()
  const timer = fleet.clock.after(LOOK_EVERY_MS, () => due.abort())
  const ended = await anyAborted(due.signal, ...ends)
  timer.cancel()
  if (ended !== due.signal) throw ended.reason
}
