import type { Clock } from '../platform/clock.ts'
import { LocksmithError } from '../protocol/errors.ts'
import type { PendingAsk } from './asks.ts'
import { silence } from './connection.ts'
import { keepAsking } from './repeat.ts'
import type { FleetConnection } from './types.ts'

/** Who does not wait is answered within this, also when there is nobody to answer. */
const ANSWER_WITHIN_MS = 5000

export const givenUp = (): LocksmithError => new LocksmithError('LK-1007', 'given up by the asker')

export interface Pursuit {
  readonly clock: Clock
  readonly connection: FleetConnection
  readonly pending: PendingAsk
  /** Whether the session is still open. */
  readonly open: () => boolean
  readonly send: () => void
  /** It is not wanted any more; it may have been granted meanwhile. */
  readonly giveBack: () => void
  readonly refused: () => void
}

/** Asks until the request is granted, refused or given up, and leaves nothing behind. */
export function pursue({ clock, connection, pending, ...o }: Pursuit): void {
  const { request, ask } = pending
  const giveUp = (error: LocksmithError): void => {
    if (pending.state !== 'waiting') return
    pending.refuse(error)
    o.giveBack()
  }
  const abort = (): void => giveUp(givenUp())
  ask.signal?.addEventListener('abort', abort, { once: true })
  const stop = keepAsking({
    clock,
    connection,
    request,
    wait: ask.wait,
    wanted: () => pending.state === 'waiting' && o.open(),
    send: o.send
  })
  const deadline = ask.wait
    ? undefined
    : clock.after(ANSWER_WITHIN_MS, () => giveUp(silence(connection.connected, ANSWER_WITHIN_MS)))
  const settled = (): void => {
    stop()
    deadline?.cancel()
    ask.signal?.removeEventListener('abort', abort)
  }
  pending.granted.then(settled, () => {
    settled()
    o.refused()
  })
}
