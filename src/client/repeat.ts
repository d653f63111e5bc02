import type { Clock, Timer } from '../platform/clock.ts'
import type { WireReply, WireRequest } from '../protocol/messages.ts'
import { errorOf, REPEAT_MS, silence } from './connection.ts'
import type { FleetConnection, Grant } from './types.ts'

export interface Repeating {
  readonly clock: Clock
  readonly connection: FleetConnection
  /** The session's number now; nothing is sent while there is none. */
  readonly session: () => number | undefined
  readonly nextSeq: () => number
  readonly build: (session: number, seq: number) => WireRequest
  readonly fits: (reply: WireReply) => boolean
  readonly timeoutMs: number
  readonly under: Grant | undefined
}

/**
 * Sends a numbered request again and again, each time under a new number, until a reply to any of them fits.
 * Before each sending the grant that it acts under is judged anew: a process that was stopped finds out before it speaks.
 * @throws LocksmithError the refusal, the loss of the grant, or LK-6001, LK-6002 after `timeoutMs`
 */
export function repeatUntilAnswered(o: Repeating): Promise<WireReply> {
  return new Promise((resolve, reject) => {
    const sent = new Set<number>()
    let repeating: Timer | undefined
    const settle = (act: () => void): void => {
      repeating?.cancel()
      deadline.cancel()
      stop()
      act()
    }
    const stop = o.connection.onReply((reply) => {
      if (!('seq' in reply) || !sent.has(reply.seq) || reply.session !== o.session()) return
      if (reply.op === 'refused' && reply.refusal.why !== 'unknown-session')
        settle(() => reject(errorOf(reply.refusal)))
      else if (o.fits(reply)) settle(() => resolve(reply))
    })
    const deadline = o.clock.after(o.timeoutMs, () =>
      settle(() => reject(silence(o.connection.connected, o.timeoutMs)))
    )
    const again = (): void => {
      if (o.under !== undefined && o.under.leftMs() <= 0) return settle(() => reject(o.under?.lost.reason))
      const session = o.session()
      if (session !== undefined) {
        const seq = o.nextSeq()
        sent.add(seq)
        o.connection.send(o.build(session, seq))
      }
      repeating = o.clock.after(REPEAT_MS, again)
    }
    again()
  })
}

export interface Asking {
  readonly clock: Clock
  readonly connection: FleetConnection
  readonly request: string
  /** Whether it is still worth asking. */
  readonly wanted: () => boolean
  /** A place in the queue is answer enough: heartbeats name the request, and the grant is sent unasked. */
  readonly wait: boolean
  readonly send: () => void
}

/** Repeats an acquire until it is answered. Returns what ends it. */
export function keepAsking(o: Asking): () => void {
  let timer: Timer | undefined
  const end = (): void => {
    timer?.cancel()
    stop()
  }
  const stop = o.connection.onReply((reply) => {
    if (o.wait && 'request' in reply && reply.request === o.request) end()
  })
  const again = (): void => {
    if (!o.wanted()) return end()
    o.send()
    timer = o.clock.after(REPEAT_MS, again)
  }
  again()
  return end
}
