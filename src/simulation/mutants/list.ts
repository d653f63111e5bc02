import type { Invariant } from '../world.ts'

/** A mistake that is planted in one line of the product while it is loaded; the product itself carries no switch. */
export interface Mutant {
  readonly name: string
  /** What is wrong with it. */
  readonly says: string
  /** The promise that it breaks, and that alone notices it. */
  readonly breaks: Invariant
  /** From the top of the repository. */
  readonly file: string
  /** Occurs exactly once in the file. */
  readonly from: string
  readonly to: string
}

export const mutants: readonly Mutant[] = [
  {
    name: 'lease-from-receipt',
    says: 'the owner counts its lease from the receipt of the reply, not from the sending of the heartbeat',
    breaks: 1,
    file: 'src/client/session.ts',
    from: 'const until = sentAt + reply.leaseMs',
    to: 'const until = this.#options.clock.now() + reply.leaseMs'
  },
  {
    name: 'lease-left-forgotten',
    says: 'a hold that is ended by others comes free before the lease that its owner still believes in has run out',
    breaks: 1,
    file: 'src/rules/lock.ts',
    from: 'const until = Math.max(now, ending.leaseUntil)',
    to: 'const until = now'
  },
  {
    name: 'fence-drawn-twice',
    says: 'the counter of fences does not move on at a grant',
    breaks: 2,
    file: 'src/rules/lock.ts',
    from: 'fleet.meta = { ...meta, fenceNext: next, fenceHigh: next - 1 }',
    to: 'fleet.meta = { ...meta, fenceNext: first, fenceHigh: next - 1 }'
  },
  {
    name: 'marks-set-anew',
    says: 'each start of Locksmith marks its stored locks anew, so that a crash loop keeps a ghost alive',
    breaks: 5,
    file: 'src/rules/start.ts',
    from: '? ((facts.rebooted ? null : lock.unheard) ?? { since: now, term: fleet.meta.term })',
    to: '? { since: now, term: fleet.meta.term }'
  },
  {
    name: 'no-fencing',
    says: 'the control: the controllers are the same firmware with fence and deadline off',
    breaks: 3,
    file: 'firmware-bridge/firmware/boards/wasm/firmware.ts',
    from: "readBeside('firmware.wasm')",
    to: "readBeside('unfenced.wasm')"
  },
  {
    name: 'deadline-far-away',
    says: 'what is staged carries a deadline that never comes',
    breaks: 3,
    file: 'firmware-bridge/drivers/native/commands.ts',
    from: 'const deadlineMs = (timeMs + leaseMs) % 2 ** 32',
    to: 'const deadlineMs = (timeMs + furthestDeadlineMs) % 2 ** 32'
  },
  {
    name: 'standstill-believed',
    says: 'a pause that was ordered counts as a proof of standstill',
    breaks: 4,
    file: 'src/agent/guard.ts',
    from: "if (this.standing && decision(this.#interlock) === 'paused') return 'done'",
    to: "if (decision(this.#interlock) === 'paused') return 'done'"
  },
  {
    name: 'no-config-hold',
    says: 'a change raises no hold of its own, so that a lock that is cleared in the middle starts the device',
    breaks: 4,
    file: 'src/agent/change.ts',
    from: "deps.guard.raise({ id: configHoldId(change.resource), kind: 'config', owner: deps.name, why })",
    to: 'void configHoldId; void why'
  }
]
