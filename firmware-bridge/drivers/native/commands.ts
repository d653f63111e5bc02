import { UnsendableValue } from '../../link/bytes.ts'
import type { Timers } from '../../link/line.ts'
import type { Answers, RequestName, Requests, StatusMessage } from '../../link/messages.ts'
import {
  ControllerRefusal,
  ControllerUnreachable,
  type PauseReason,
  type StageRequest,
  StandstillUnproved,
  type Stored
} from '../controller.ts'
import { whyOf } from './greeting.ts'
import type { Session } from './session.ts'
import { isSameOrNewerPause, paramValues, resourceNumber, statusOf, storedOf } from './translate.ts'

/** A controller calls a deadline further ahead than this one that has passed. */
const furthestDeadlineMs = 2 ** 31 - 1
/** A status may be answered with the last of its repeats only (2.8 s): the session then lives, and the latch is seen. */
const resumeMs = 3_500

/** Asks and unwraps: the answer, or ControllerRefusal, or ControllerUnreachable when nobody knows the outcome. */
export async function order<N extends RequestName>(
  session: Session,
  name: N,
  request: Requests[N]
): Promise<Answers[N]> {
  const outcome = await session.ask(name, request, name === 'pause').catch((error: unknown) => {
    if (error instanceof UnsendableValue) throw new ControllerRefusal(name, 'bad-request', error.message)
    throw error
  })
  if (outcome.name === 'answered') return outcome.answer
  if (outcome.name === 'refused' && outcome.reason !== 'old-link')
    throw new ControllerRefusal(name, outcome.reason)
  throw unreachable(session, name, whyOf(name, outcome))
}

function unreachable(session: Session, command: string, why: string): ControllerUnreachable {
  return new ControllerUnreachable(`${command} has no known outcome: ${session.over?.why ?? why}`)
}

/**
 * Latches the pause, then waits for the proof: a status with the latch closed, at standstill, of this pause or a newer
 * one. The acknowledgement only says that the latch is closed.
 */
export async function pause(
  session: Session,
  why: PauseReason,
  { timers, withinMs }: { readonly timers: Timers; readonly withinMs: number }
): Promise<StatusMessage> {
  const untilMs = timers.now() + withinMs
  const { pauseId } = await order(session, 'pause', { why })
  const proves = (it: StatusMessage) =>
    it.paused && it.motion === 'standstill' && isSameOrNewerPause(it.pauseId, pauseId)
  const proof = await session.seen(proves, untilMs)
  if (proof !== undefined) return proof
  if (session.over !== undefined) throw unreachable(session, 'pause', session.over.why)
  throw unproved(session, withinMs)
}

export function unproved(session: Session, withinMs: number): StandstillUnproved {
  const { declared } = session.greeting
  return new StandstillUnproved(withinMs, session.status && statusOf(declared, session.status))
}

/** Undoes the newest pause known, and no newer one. Resolves when the latch was seen open. */
export async function resume(session: Session, timers: Timers): Promise<void> {
  const { pauseId } = session
  if (pauseId === undefined) throw new ControllerUnreachable('resume: no status was heard yet')
  await order(session, 'resume', { pauseId })
  const untilMs = timers.now() + resumeMs
  const settles = (it: StatusMessage) =>
    isSameOrNewerPause(it.pauseId, pauseId) && (!it.paused || it.pauseId !== pauseId)
  const status = await session.seen(settles, untilMs)
  if (status === undefined)
    throw unreachable(session, 'resume', `the latch was not seen open within ${resumeMs} ms`)
  if (status.paused) throw new ControllerRefusal('resume', 'old-pause')
}

/** A ceramic resonator, as on many boards, is off by half a percent; and with age and heat by a little more. */
const controllerClockError = 0.01

/**
 * Repeats the pause and reads the lease when its acknowledgement has arrived. The deadline counts from the controller's
 * own time in that acknowledgement, which is earlier than the reading of the lease: early, never late, however slow its clock.
 */
export async function stage(session: Session, request: StageRequest): Promise<void> {
  const { declared } = session.greeting
  const resource = resourceNumber(declared, 'stage', request.resource)
  const values = paramValues(declared, resource, request.values)
  const { timeMs } = await order(session, 'pause', { why: 'config' })
  const usableMs = request.leaseLeftMs() * (1 - controllerClockError)
  const leaseMs = Math.min(Math.floor(usableMs), furthestDeadlineMs)
  if (!(leaseMs > 0)) throw new ControllerRefusal('stage', 'late')
  const deadlineMs = (timeMs + leaseMs) % 2 ** 32
  await order(session, 'stage', {
    resource,
    fence: request.fence,
    deadlineMs,
    version: request.version,
    values
  })
}

/** Reads what would survive a reset. */
export async function read(session: Session, resource: string): Promise<Stored> {
  const { declared } = session.greeting
  const answer = await order(session, 'read', { resource: resourceNumber(declared, 'read', resource) })
  return storedOf(declared, answer)
}
