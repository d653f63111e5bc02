import { EXIT } from '../../protocol/errors.ts'
import type { Held } from '../hold-locks.ts'
import { lockOptions, locksFrom, refuseContradiction } from '../lock-options.ts'
import { anyAborted } from '../stop.ts'
import { type Context, defineVerb } from '../verb.ts'

export const verb = defineVerb({
  name: 'lock',
  summary: 'Take locks and hold them in the foreground until Ctrl-C',
  usage: 'LOCK… [options]',
  about:
    'At the grant it prints one JSON line per lock: {lock, fence, owner, leaseMs}. Several locks are granted whole or not at all.',
  options: lockOptions,
  examples: [
    'locksmith lock plant-2/line-4:aim --reason "cleaning the lens" --for 10m',
    'locksmith lock "*:aim" "*:safety" --no-wait'
  ],
  exits: [EXIT.failed, EXIT.unreachable, EXIT.tryLater, EXIT.denied, EXIT.leaseLost],
  positionals: { least: 1, most: 16, what: 'the lock' },
  run: async ({ values, positionals, context }) => {
    refuseContradiction('lock', values)
    const locks = locksFrom('lock', positionals)
    const { withFleet } = await import('../connect.ts')
    const { holdingLocks } = await import('../hold-locks.ts')
    return withFleet('lock', values, (fleet) => {
      const plan = {
        kind: 'tool',
        locks,
        reason: values.reason,
        wait: !values['no-wait'],
        waitMs: values.wait,
        standstill: values['wait-paused'],
        stop: context.stop,
        note: context.out.note
      } as const
      const end = (run: () => void) =>
        values.for === undefined ? undefined : fleet.clock.after(values.for, run)
      return holdingLocks(fleet, plan, (held) => keep(held, fleet.boot, context, end))
    })
  }
})

/** Until Ctrl-C, or the time has passed, or the lease is lost. */
async function keep(
  { session, grant }: Held,
  boot: string,
  { out, stop }: Context,
  end: (run: () => void) => { cancel: () => void } | undefined
): Promise<number> {
  const { insistOnLease } = await import('../hold-locks.ts')
  grant.setPhase('held by hand')
  const owner = { name: session.name, session: session.session ?? 0, boot }
  for (const { lock, fence } of grant.locks)
    out.line({ lock, fence, owner, leaseMs: Math.floor(grant.leftMs()) })
  out.note('holding; Ctrl-C releases')
  const due = new AbortController()
  const timer = end(() => due.abort())
  await anyAborted(grant.lost, stop, due.signal)
  timer?.cancel()
  insistOnLease(grant)
  return EXIT.fine
}
