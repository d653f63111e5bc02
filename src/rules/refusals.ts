import type { Blocker } from './effects.ts'

/**
 * Every way in which the rules say no, with what the asker needs to know. The protocol maps each `why` to one error code,
 * tested both ways.
 */
export type Refusal =
  | { readonly why: 'busy'; readonly blockers: readonly Blocker[] }
  | { readonly why: 'bad-lock-name'; readonly lock: string }
  | { readonly why: 'unknown-resource'; readonly resource: string; readonly known: readonly string[] }
  | { readonly why: 'own-locks-conflict'; readonly lock: string; readonly other: string }
  | { readonly why: 'unknown-session' }
  | { readonly why: 'session-replaced'; readonly by: number }
  | { readonly why: 'no-lease' }
  /** `heldMs`: since it got the first of them; it gets more when it has given these back. */
  | { readonly why: 'holds-already'; readonly locks: readonly string[]; readonly heldMs: number }
  | {
      readonly why: 'more-than-slots'
      readonly scope: string
      readonly resource: string
      readonly asked: number
      readonly slots: number
    }
  | {
      readonly why: 'budget-too-small'
      readonly leftMs: number
      readonly neededMs: number
      /** After so long a time in motion it would suffice; null when it never does. */
      readonly enoughInMs: number | null
    }
  | { readonly why: 'outside-own-device'; readonly lock: string; readonly device: string }
  | {
      readonly why: 'forbidden-by-policy'
      readonly lock: string
      readonly name: string
      /** The lock itself, or one that it covers. */
      readonly policyOf: string
      readonly mayLock: readonly string[]
    }
  | { readonly why: 'request-ended'; readonly how: string; readonly agoMs: number }
  | { readonly why: 'request-of-another'; readonly owner: string }
  | { readonly why: 'stale-message' }
  | { readonly why: 'not-ready'; readonly inMs: number }
  | { readonly why: 'unbelievable-fence'; readonly fence: number; readonly highest: number }
  /** `by`: the living agent that has the name; null when the name is simply not that device's. */
  | {
      readonly why: 'identity-taken'
      readonly device: string
      readonly by: { readonly lastHeardMs: number | null; readonly leaseLeftMs: number } | null
    }
  | { readonly why: 'reason-missing' }
  | {
      readonly why: 'push-under-way'
      readonly push: string
      readonly scope: string
      readonly by: string
      /** Null when it began before a restart of the machine, or before this was kept. */
      readonly sinceMs: number | null
      /** Devices that have not answered; it ends with the last of them. */
      readonly awaits: readonly string[]
    }
  | { readonly why: 'push-unknown'; readonly push: string }
  | { readonly why: 'no-devices'; readonly scope: string }
  | {
      readonly why: 'old-fence'
      readonly lock: string
      readonly fence: number
      readonly floor: number
      /** Who has the lock now; null when it is free. */
      readonly holder: Blocker | null
    }
  | {
      readonly why: 'lock-not-held'
      readonly lock: string
      readonly fence: number
      readonly holder: Blocker | null
    }
  | { readonly why: 'lock-does-not-cover'; readonly lock: string; readonly scope: string }

export type RefusalWhy = Refusal['why']

/** Why a device of a push is waited for no longer. The protocol maps each to one error code. */
export type PushVerdict = 'unreachable' | 'silent' | 'push-withdrawn'
