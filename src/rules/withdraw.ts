import type { Fleet, Push } from './fleet.ts'
import { takeBack } from './push.ts'
import type { Refusal } from './refusals.ts'

/** The operator's way out of a push: nobody else is served, and what is still retained is taken back. */
export interface WithdrawInput {
  readonly from: string
  readonly operation: string
  readonly push: string
  readonly reason: string
}

/**
 * A device in the middle of the update finishes or rolls back by itself, and its answer is still recorded; one that only
 * waits for its lock gives it up. The repeat of an operation is answered alike.
 */
export function withdrawPush(fleet: Fleet, input: WithdrawInput, now: number): void {
  const { from, operation, reason } = input
  const refuse = (refusal: Refusal): void => fleet.reply(from, { op: 'failed', id: operation, refusal })
  if (reason.trim() === '') return refuse({ why: 'reason-missing' })
  const push = fleet.pushes.get(input.push)
  if (push === undefined) return refuse({ why: 'push-unknown', push: input.push })
  const after = push.state === 'open' ? carryOut(fleet, push, input, now) : push
  const outcome = after.withdrawnBy === operation ? 'withdrawn' : 'already-ended'
  fleet.reply(from, { op: 'withdrawn', id: operation, outcome, push: after })
}

function carryOut(fleet: Fleet, push: Push, { from, operation, reason }: WithdrawInput, now: number): Push {
  const why = `${from} withdrew it: ${reason}`
  const after = takeBack(fleet, { ...push, withdrawnBy: operation }, why, now)
  const { id, resource, version, scope } = push
  const detail = { operation, push: id, resource, version, scope, reason }
  fleet.effect({ do: 'audit', entry: { what: 'push-withdrawn', by: from, detail } })
  return after
}
