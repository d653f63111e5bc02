import type { Mutant } from './mutant.ts'

/** Mistakes in who is granted what, under which fence, and when a lock comes free. */
export const mutantsOfGrants: readonly Mutant[] = [
  {
    name: 'equal-locks-only',
    says: 'two locks conflict only when they are the same: one above another is not looked at',
    breaks: [1],
    world: 'locks',
    within: 20,
    file: 'src/rules/conflicts.ts',
    from: 'for (const above of locksAbove(lock)) {',
    to: 'for (const above of [lock]) {'
  },
  {
    name: 'lease-left-forgotten',
    says: 'a hold that is ended by others comes free before the lease that its owner still believes in has run out',
    breaks: [1],
    world: 'unlock-of-the-living',
    within: 20,
    file: 'src/rules/lock.ts',
    from: 'const until = Math.max(now, ending.leaseUntil)',
    to: 'const until = now'
  },
  {
    name: 'unlock-at-once',
    says: 'an unlock frees the lock of a living owner at once, as that of a ghost',
    breaks: [1],
    world: 'unlock-of-the-living',
    within: 20,
    file: 'src/rules/unlock.ts',
    from: 'const passed = until + lockDelayMs(fleet, lock) <= now',
    to: 'const passed = true'
  },
  {
    name: 'no-lock-delay',
    says: 'a lock of a ghost is free as soon as the lease has run out, without lockDelay',
    breaks: [1],
    world: 'lock-delay',
    within: 20,
    file: 'src/rules/lock.ts',
    from: 'orphaned.leaseUntil + lockDelayMs(fleet, lock)',
    to: 'orphaned.leaseUntil'
  },
  {
    name: 'lease-never-ends',
    says: 'a lock whose owner has fallen silent stays held',
    breaks: [6],
    world: 'locks',
    within: 20,
    file: 'src/rules/expiry.ts',
    from: "if (until <= now) orphan(fleet, lock, { cause: 'lease-ran-out', leaseUntil: until }, now)",
    to: 'if (until <= now) return'
  },
  {
    name: 'ghosts-not-reclaimed',
    says: 'an orphaned lock waits until somebody unlocks it',
    breaks: [6, 16],
    world: 'locks',
    within: 20,
    file: 'src/rules/expiry.ts',
    from: 'if (at !== null && at <= now)',
    to: 'if (at === null)'
  },
  {
    name: 'fence-drawn-twice',
    says: 'the counter of fences does not move on at a grant',
    breaks: [2],
    world: 'locks',
    within: 20,
    file: 'src/rules/lock.ts',
    from: 'fleet.meta = { ...meta, fenceNext: next, fenceHigh: next - 1 }',
    to: 'fleet.meta = { ...meta, fenceNext: first, fenceHigh: next - 1 }'
  },
  {
    name: 'fence-of-the-renewal',
    says: 'a fence is drawn when an owner renews, not at each grant: the next grant in between has the same',
    breaks: [2],
    world: 'locks',
    within: 20,
    file: 'src/rules/lock.ts',
    from: 'const first = meta.fenceNext',
    to: 'const first = meta.fenceNext - (input.session.kind === "agent" && meta.fenceHigh > 0 ? 1 : 0)'
  },
  {
    name: 'floor-stays-at-orphaning',
    says: 'the floor does not move when a hold ends, only when the lock is free',
    breaks: [2],
    world: 'lock-delay',
    within: 20,
    file: 'src/rules/lock.ts',
    from: "    state: 'orphaned',\n    floor: Math.max(lock.floor, lock.fence + 1),",
    to: "    state: 'orphaned',\n    floor: lock.floor,"
  },
  {
    name: 'waiters-overtaken',
    says: 'what is free is granted to whoever asks, though somebody waits for it with something else',
    breaks: [13],
    world: 'queue',
    within: 20,
    file: 'src/rules/queue.ts',
    from: '!waitersAmong(fleet, waiter.locks).some(isBefore) &&',
    to: 'true &&'
  },
  {
    name: 'place-lost',
    says: 'who has waited through a restart of Locksmith stands at the end of the queue again',
    breaks: [13],
    world: 'queue',
    within: 20,
    file: 'src/rules/request.ts',
    from: 'since: now - ask.waitedMs,',
    to: 'since: now,'
  },
  {
    name: 'free-while-updates-are-out',
    says: 'who pushes together and gives its lock back early frees it, while an update of it is under way',
    breaks: [3],
    world: 'let-go-early',
    within: 20,
    file: 'src/rules/lock.ts',
    from: 'if (!updatesOut(fleet, lock)) free(',
    to: 'if (true) free('
  },
  {
    name: 'wave-without-standing',
    says: 'a push together is sent out before every device has proved that it stands',
    breaks: [23],
    world: 'one-does-not-stand',
    within: 20,
    file: 'src/rules/push.ts',
    from: 'push.under !== null && allStand(fleet, push, push.under, now))',
    to: 'push.under !== null)'
  },
  {
    name: 'unlock-ends-the-next',
    says: 'an unlock ends whatever grant there is, not the one that the operator saw',
    breaks: [22],
    world: 'unlock-of-the-next',
    within: 20,
    file: 'src/rules/unlock.ts',
    from: "lock.fence !== input.fence ? 'changed' : 'cleared'",
    to: "lock.fence < 0 ? 'changed' : 'cleared'"
  },
  {
    name: 'holds-and-waits',
    says: 'who holds something may wait for something else',
    breaks: [15],
    world: 'wants-more',
    within: 20,
    file: 'src/rules/request.ts',
    from: 'if (held.length > 0 && !held.every((lock) => lock.request === ask.request)) {',
    to: 'if (held.length > 99) {'
  }
]
