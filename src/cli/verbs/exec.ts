import { EXIT } from '../../protocol/errors.ts'
import { usageError } from '../arguments.ts'
import { lockOptions, locksFrom, refuseContradiction } from '../lock-options.ts'
import { defineVerb } from '../verb.ts'

export const verb = defineVerb({
  name: 'exec',
  summary: 'Run a command while holding a lock',
  usage: 'LOCK [options] -- COMMAND [ARGUMENT…]',
  about:
    'COMMAND finds LOCKSMITH_LOCK, LOCKSMITH_FENCE and LOCKSMITH_OWNER in its environment. It runs in a process group and session of its own, and Ctrl-C is handed on to it. The whole group is stopped (SIGTERM, 5 s later SIGKILL) when the lease is lost, also when this command was killed with -9 or is stopped (Ctrl-Z); not what leaves the group, and not when the process that watches over it was killed at the same time. Ends with the status of COMMAND (128 + n for signals).',
  options: lockOptions,
  examples: [
    'locksmith exec plant-2/line-4:aim --wait 10m -- ./calibrate.sh',
    "locksmith exec '*:safety' --no-wait -- sh -c 'echo fence $LOCKSMITH_FENCE'"
  ],
  exits: [
    EXIT.failed,
    EXIT.unreachable,
    EXIT.tryLater,
    EXIT.denied,
    EXIT.leaseLost,
    EXIT.cannotRun,
    EXIT.notFound
  ],
  positionals: { least: 1, most: 1, what: 'the lock' },
  takesCommand: true,
  run: async ({ values, positionals, command, context }) => {
    refuseContradiction('exec', values)
    const locks = locksFrom('exec', positionals)
    if (command.length === 0) throw usageError('the command is missing; write it after "--"', 'exec')
    const { withFleet } = await import('../connect.ts')
    const { holdingLocks } = await import('../hold-locks.ts')
    const { runUnderLease } = await import('../run-command.ts')
    return withFleet('exec', values, (fleet) => {
      const plan = {
        kind: 'tool',
        locks,
        reason: values.reason ?? command.join(' ').slice(0, 200),
        wait: !values['no-wait'],
        waitMs: values.wait,
        standstill: values['wait-paused'],
        stop: context.stop,
        note: context.out.note
      } as const
      return holdingLocks(fleet, plan, ({ session, grant }) => {
        grant.setPhase(`running ${command[0]}`)
        return runUnderLease({
          command,
          grant,
          clock: fleet.clock,
          longestMs: values.for,
          env: {
            ...process.env,
            LOCKSMITH_LOCK: grant.locks[0]?.lock,
            LOCKSMITH_FENCE: String(grant.locks[0]?.fence),
            LOCKSMITH_OWNER: `${session.name}/${session.session}`
          }
        })
      })
    })
  }
})
