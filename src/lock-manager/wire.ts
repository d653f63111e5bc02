import { CODE_OF, CODE_OF_VERDICT, describe, ERRORS, hintOf } from '../protocol/errors.ts'
import {
  type LockRecord,
  MAX_REPLY_BYTES,
  type WireRefusal,
  type WireReply,
  type WireRequest
} from '../protocol/messages.ts'
import type { Blocker, Reply, Revision } from '../rules/effects.ts'
import type { Fleet, Push } from '../rules/fleet.ts'
import { quietLeftMs } from '../rules/opening.ts'
import { startPush, takeOutcome } from '../rules/push.ts'
import type { Refusal } from '../rules/refusals.ts'
import { acquire, release } from '../rules/request.ts'
import { goodbye, heartbeat, hello } from '../rules/session.ts'
import { unlock } from '../rules/unlock.ts'
import { withdrawPush } from '../rules/withdraw.ts'
import { recordOf } from './views.ts'

/** Between the wire and the rules, both ways. */

/** Hands a request to its rule; time was advanced before. Queries change nothing and are answered elsewhere. */
export function handle(
  fleet: Fleet,
  from: string,
  request: Exclude<WireRequest, { op: 'query' }>,
  now: number
): void {
  switch (request.op) {
    case 'hello':
      return hello(fleet, { from, ...request }, now)
    case 'heartbeat':
      return heartbeat(fleet, { from, ...request, enforces: request.enforces }, now)
    case 'acquire':
      return acquire(fleet, { from, ...request }, now)
    case 'release':
      return release(fleet, { from, ...request }, now)
    case 'goodbye':
      return goodbye(fleet, { from, ...request }, now)
    case 'unlock':
      return unlock(fleet, { from, ...request, operation: request.id }, now)
    case 'push':
      return startPush(fleet, { from, ...request }, now)
    case 'withdraw':
      return withdrawPush(fleet, { from, ...request, operation: request.id }, now)
    case 'outcome':
      return takeOutcome(fleet, { from, ...request }, now)
  }
}

export function refusalToWire(refusal: Refusal): WireRefusal {
  const code = CODE_OF[refusal.why]
  const common = {
    code,
    why: refusal.why,
    message: describe(refusal),
    hint: hintOf(refusal, ERRORS[code].hint)
  }
  const blockers = blockersIn(refusal)
  return blockers.length === 0
    ? common
    : { ...common, blockers: structuredClone(blockers) as NonNullable<WireRefusal['blockers']> }
}

function blockersIn(refusal: Refusal): readonly Blocker[] {
  if (refusal.why === 'busy') return refusal.blockers
  return 'holder' in refusal && refusal.holder !== null ? [refusal.holder] : []
}

type Envelope = 'term' | 'rev' | 'fenceHigh' | 'quietMs'

/** A reply as it travels: as of the revision at which the rules gave it. */
export function replyToWire(
  fleet: Fleet,
  { reply, at }: { reply: Reply; at: Revision },
  now: number
): WireReply {
  const envelope = {
    ...at,
    quietMs: quietLeftMs(fleet, now)
  } satisfies Record<Envelope, number>
  switch (reply.op) {
    case 'heartbeat': {
      const covering = reply.covering.map((lock): LockRecord => recordOf(fleet, lock, now))
      return { ...envelope, ...reply, covering } as WireReply
    }
    case 'refused':
    case 'failed':
      return { ...envelope, ...reply, refusal: refusalToWire(reply.refusal) } as WireReply
    case 'unlocked': {
      const { lock, outcome, fence } = reply.outcome
      return { ...envelope, op: 'unlocked', id: reply.id, lock, outcome, fence, freeInMs: reply.freeInMs }
    }
    case 'push':
      return {
        ...envelope,
        op: 'push',
        id: reply.id,
        session: reply.session,
        seq: reply.seq,
        ...pushToWire(reply.push)
      }
    case 'withdrawn': {
      const { op, id, outcome, push } = reply
      return { ...envelope, op, id, outcome, push: push.id, ...pushToWire(push) }
    }
    default:
      return { ...envelope, ...reply } as WireReply
  }
}

const VERDICTS: Readonly<Record<string, string>> = CODE_OF_VERDICT

/** An outcome goes to the pusher whole: of very many devices each is given fewer words, so that all are heard. */
function pushToWire({ state, why, devices }: Push) {
  const words = Math.floor(MAX_REPLY_BYTES / 4 / Math.max(1, devices.length))
  return {
    state,
    why,
    devices: devices.map(({ watched: _ours, ...device }) => ({
      ...device,
      code: device.code === null ? null : (VERDICTS[device.code] ?? device.code),
      detail: device.detail.slice(0, words)
    }))
  }
}
