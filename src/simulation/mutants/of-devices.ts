import type { Mutant } from './mutant.ts'

/** Mistakes on the device: in the interlock, in a change, and between agent and controller. */
export const mutantsOfDevices: readonly Mutant[] = [
  {
    name: 'no-fencing',
    says: 'the control: the controllers are the same firmware with fence and deadline off',
    breaks: [3],
    world: 'asleep-before-commit',
    within: 20,
    file: 'firmware-bridge/firmware/boards/wasm/firmware.ts',
    from: "readBeside('firmware.wasm')",
    to: "readBeside('unfenced.wasm')"
  },
  {
    name: 'deadline-far-away',
    says: 'what is staged carries a deadline that never comes',
    breaks: [3],
    world: 'asleep-before-commit',
    within: 20,
    file: 'firmware-bridge/drivers/native/commands.ts',
    from: 'const deadlineMs = (timeMs + leaseMs) % 2 ** 32',
    to: 'const deadlineMs = (timeMs + furthestDeadlineMs) % 2 ** 32'
  },
  {
    name: 'standstill-believed',
    says: 'a pause that was ordered counts as a proof of standstill',
    breaks: [4],
    world: 'cleared-in-mid-change',
    within: 20,
    file: 'src/agent/guard.ts',
    from: "if (this.standing && decision(this.#interlock) === 'paused') return 'done'",
    to: "if (decision(this.#interlock) === 'paused') return 'done'"
  },
  {
    name: 'no-config-hold',
    says: 'a change raises no hold of its own, so that a lock that is cleared in the middle starts the device',
    breaks: [4],
    world: 'held-and-let-go',
    within: 20,
    file: 'src/agent/change.ts',
    from: "deps.guard.raise({ id: configHoldId(change.resource), kind: 'config', owner: deps.name, why })",
    to: 'void configHoldId; void why'
  },
  {
    name: 'hold-falls-at-standstill',
    says: 'the hold of a change falls as soon as the device stands',
    breaks: [4],
    world: 'cut-off',
    within: 20,
    file: 'src/agent/change.ts',
    from: "authority.phase('applying')",
    to: 'deps.guard.drop([configHoldId(change.resource)])'
  },
  {
    name: 'verify-skipped',
    says: 'no controller is asked to confirm what it has committed',
    breaks: [10, 12],
    world: 'cut-off',
    within: 20,
    file: 'src/agent/change.ts',
    from: 'for (const { controller } of run.targets) await controller.confirm(change.resource, authority.fence)',
    to: ''
  },
  {
    name: 'record-opens-everything',
    says: 'a record that tells of a free lock takes every hold away, not its own',
    breaks: [4],
    world: 'held-and-let-go',
    within: 20,
    file: 'src/rules/interlock.ts',
    from: 'return hold !== undefined && ended ? drop(next, [hold.id], now) : next',
    to: 'return ended ? drop(next, [...next.holds.keys()], now) : next'
  },
  {
    name: 'journal-not-kept',
    says: 'the entries of a change are not on the disk before it has ended',
    breaks: [12, 10, 4],
    world: 'cut-off',
    within: 60,
    file: 'src/agent/journal.ts',
    from: 'files.append(path, JSON.stringify(added))\n',
    to: '\n'
  },
  {
    name: 'hold-not-journaled',
    says: 'the hold of a change is raised before the pause, but not durably',
    breaks: [10, 4],
    world: 'cut-off',
    within: 20,
    file: 'src/agent/change.ts',
    from: "step(run, { entry: 'step', step: 'hold', lock: authority.lock, fence: authority.fence })",
    to: 'requireLease(authority)'
  },
  {
    name: 'no-recovery',
    says: 'a change that was cut off is not brought to its end at the next start',
    breaks: [4, 10, 12],
    world: 'cut-off',
    within: 20,
    file: 'src/agent/agent.ts',
    from: 'if (open !== null) await recoverOpen(deps, open)',
    to: 'void recoverOpen'
  },
  {
    name: 'rollback-under-new-fence',
    says: 'a roll-back names a new fence, not the one that committed',
    breaks: [10],
    world: 'cut-off',
    within: 40,
    file: 'src/agent/settle.ts',
    from: '?.rollback(resource, fence)',
    to: '?.rollback(resource, fence + 1)'
  },
  {
    name: 'file-not-restored',
    says: 'a roll-back leaves the new file where it is',
    breaks: [12],
    world: 'cut-off',
    within: 40,
    file: 'src/agent/settle.ts',
    from: "if (verdict.file === 'restore-old' &&",
    to: "if (verdict.file === 'restore-old' && open.fence < 0 &&"
  },
  {
    name: 'predecessor-not-kept',
    says: 'a file is replaced without its predecessor being kept',
    breaks: [10],
    world: 'cut-off',
    within: 40,
    file: 'src/agent/config-file.ts',
    from: 'if (old !== undefined) files.write(previous(resource), old)',
    to: 'void old'
  },
  {
    name: 'file-written-in-place',
    says: 'a file is emptied and then written, not replaced whole',
    breaks: [12],
    world: 'cut-off',
    within: 20,
    file: 'src/agent/config-file.ts',
    from: 'files.write(path(resource), commentLine(touch, clock.wall()) + touch.document)',
    to: "files.write(path(resource), ''), files.write(path(resource), commentLine(touch, clock.wall()) + touch.document)"
  },
  {
    name: 'floors-not-told-again',
    says: 'a controller that begins anew is not told the floors again',
    breaks: [3],
    world: 'controller-reset',
    within: 20,
    file: 'src/agent/post.ts',
    from: 'this.#told.clear()',
    to: ''
  },
  {
    name: 'bypass-covers-later-grants',
    says: 'a bypass goes on when the grant that it saw has ended and another one has come',
    breaks: [11],
    world: 'budget-used-up',
    within: 20,
    file: 'src/rules/interlock.ts',
    from: 'waived: same ? old.waived : isRemembered(state, id, view.fence)',
    to: 'waived: old !== undefined ? old.waived : isRemembered(state, id, view.fence)'
  },
  {
    name: 'boot-without-contact',
    says: 'an agent that has just started does not wait until it has heard Locksmith',
    breaks: [5],
    world: 'boot-in-silence',
    within: 20,
    file: 'src/rules/interlock.ts',
    from: "return raise(state, { id: CONTACT, kind: 'contact', owner: identity.name, why }, now)",
    to: 'void why; void now; return state'
  }
]
