import { formatDuration } from '../../protocol/duration.ts'
import { EXIT, LocksmithError } from '../../protocol/errors.ts'
import type { LockView, StatusView } from '../answers.ts'
import { usageError } from '../arguments.ts'
import { asReason, clientOptions } from '../common-options.ts'
import type { FleetAccess } from '../connect.ts'
import { locksFrom } from '../lock-options.ts'
import { asDuration, flag, required, withFallback } from '../options.ts'
import { type Context, defineVerb } from '../verb.ts'

export const verb = defineVerb({
  name: 'unlock',
  summary: 'Clear a lock whose owner is gone, or take it from a living one',
  usage: 'LOCK --reason TEXT [options]',
  about:
    'Shows first whose lock it is, who waits, what will move and when the next grant is possible. A ghost is cleared at once; a living owner is told, and nothing moves before it has stopped or its lease has run out. With --grace it is asked first to finish by itself. A lock that changed hands meanwhile is left alone.',
  options: {
    reason: required(
      { placeholder: 'TEXT', help: 'why, in at most 500 characters; it is audited and told to the owner' },
      asReason
    ),
    yes: flag('do not ask'),
    grace: withFallback(
      { placeholder: '30s', help: 'ask a living owner to finish, and clear it after this', fallback: '0s' },
      asDuration
    ),
    ...clientOptions
  },
  examples: ['locksmith unlock "*:aim" --reason "node-7 lost power, seen on site"'],
  exits: [EXIT.failed, EXIT.unreachable],
  positionals: { least: 1, most: 1, what: 'the lock' },
  run: async ({ values, positionals, context }) => {
    const [lock = ''] = locksFrom('unlock', positionals)
    if (!values.yes && !context.canAsk)
      throw usageError('without a terminal to ask at, unlock needs --yes', 'unlock')
    const { withFleet } = await import('../connect.ts')
    return withFleet('unlock', values, (fleet) => unlock(fleet, lock, values, context))
  }
})

interface Wish {
  readonly reason: string
  readonly yes: boolean
  readonly grace: number
}

async function unlock(fleet: FleetAccess, lock: string, wish: Wish, context: Context): Promise<number> {
  const { readLocks, readStatus } = await import('../answers.ts')
  const seen = readLocks(await fleet.query('locks')).find((one) => one.lock === lock)
  if (seen !== undefined && seen.state !== 'free') {
    const { describeUnlock } = await import('../describe-unlock.ts')
    const status: StatusView = readStatus(await fleet.query('status'))
    for (const line of describeUnlock(seen, status)) context.out.note(line)
    if (!wish.yes && !(await confirmed(context.stop)))
      throw new LocksmithError('LK-6003', 'not confirmed; nothing was changed', 'Answer y, or give --yes')
  }
  return carryOut(fleet, { lock, seen }, wish, context)
}

async function carryOut(
  fleet: FleetAccess,
  target: { lock: string; seen: LockView | undefined },
  { reason, grace }: Wish,
  { out }: Context
): Promise<number> {
  const { makeId } = await import('../../client/index.ts')
  const { lock, seen } = target
  const request = {
    op: 'unlock',
    id: makeId(fleet.random),
    lock,
    fence: seen?.fence ?? 0,
    reason,
    graceMs: grace
  } as const
  const { outcome, fence, id, ...reply } = await fleet.connection.call(request, 'unlocked')
  const freeInMs = outcome === 'already-free' ? 0 : reply.freeInMs
  out.data({ operation: id, lock, outcome, fence, freeInMs })
  if (outcome === 'already-free') out.print(`${lock} is free already`)
  if (outcome === 'changed')
    out.print(`${lock} changed hands since it was looked at (fence ${fence} now); nothing was cleared`)
  const asked = grace > 0 && freeInMs !== null && freeInMs >= grace
  const how = asked
    ? `is asked back, and cleared in ${formatDuration(grace)} unless its owner is done`
    : 'is cleared'
  if (outcome === 'cleared') out.print(`${lock} (fence ${fence}) ${how}; ${whenFree(freeInMs)}`)
  return outcome === 'changed' ? EXIT.failed : EXIT.fine
}

function whenFree(freeInMs: number | null): string {
  if (freeInMs === null) return 'it comes free when its owner has stopped or its lease has run out'
  return freeInMs === 0 ? 'it is free' : `free within ${formatDuration(freeInMs)}`
}

async function confirmed(stop: AbortSignal): Promise<boolean> {
  const { createInterface } = await import('node:readline/promises')
  const asking = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await asking.question('Clear it? [y/N] ', { signal: stop })
    return /^y(es)?$/i.test(answer.trim())
  } catch {
    return false
  } finally {
    asking.close()
  }
}
