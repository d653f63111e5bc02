import type { Blocker } from './effects.ts'

/**
 * Every way in which the rules say no, with what the asker needs to know. The protocol maps each `why` to one error code,
 * tested both ways.
 */
export type Refusal =
  | { readonly why: 'busy'; readonly blockers: readonly Blocker[] }
  | { readonly why: 'bad-lock-name'; readonly lock: string }
  | { readonly why: 'own-locks-conflict'; readonly lock: string }
  | { readonly why: 'unknown-session' }
  | { readonly why: 'session-replaced'; readonly by: number }
  | { readonly why: 'no-lease' }
  | { readonly why: 'holds-already'; readonly locks: readonly string[] }
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
  | { readonly why: 'forbidden-by-policy'; readonly lock: string; readonly name: string }
  | { readonly why: 'request-ended'; readonly how: string }
  | { readonly why: 'request-of-another'; readonly owner: string }
  | { readonly why: 'stale-message' }
  | { readonly why: 'not-ready'; readonly inMs: number }
  | { readonly why: 'unbelievable-fence'; readonly fence: number; readonly highest: number }
  | { readonly why: 'identity-taken'; readonly device: string }
  | { readonly why: 'reason-missing' }
  | { readonly why: 'push-under-way'; readonly push: string; readonly scope: string; readonly by: string }
  | { readonly why: 'push-unknown'; readonly push: string }
  | { readonly why: 'no-devices'; readonly scope: string }
  | { readonly why: 'old-fence'; readonly lock: string; readonly fence: number; readonly floor: number }
  | { readonly why: 'lock-not-held'; readonly lock: string; readonly fence: number }
  | { readonly why: 'lock-does-not-cover'; readonly lock: string; readonly scope: string }

export type RefusalWhy = Refusal['why']
