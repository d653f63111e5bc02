import type { Blocker } from '../rules/effects.ts'
import type { Refusal, RefusalWhy } from '../rules/refusals.ts'
import { whose } from '../rules/whose.ts'
import { nearest } from './nearest.ts'

const seconds = (ms: number): string => `${Math.ceil(ms / 100) / 10} s`

/** A refusal in a sentence. */
export function describe(refusal: Refusal): string {
  switch (refusal.why) {
    case 'busy':
      return refusal.blockers.map(describeBlocker).join('; ') || 'the lock is taken'
    case 'bad-lock-name':
      return `"${refusal.lock}" is not a lock name`
    case 'unknown-resource':
      return unknownResource(refusal.resource, refusal.known)
    case 'own-locks-conflict':
      return `${refusal.lock} overlaps ${refusal.other} of the same request`
    case 'unknown-session':
      return 'Locksmith does not know this session'
    case 'session-replaced':
      return `session ${refusal.by} took this identity`
    case 'no-lease':
      return 'the session has no lease'
    case 'holds-already':
      return `the session holds ${refusal.locks.join(', ')} (for ${seconds(refusal.heldMs)})`
    case 'budget-too-small': {
      const { leftMs, neededMs, enoughInMs } = refusal
      const when =
        enoughInMs === null
          ? 'the whole pauseBudget is too small for it'
          : `enough after ${seconds(enoughInMs)} in motion`
      return `${seconds(leftMs)} of the pause budget are left, a roll-back may take ${seconds(neededMs)}: ${when}`
    }
    case 'more-than-slots':
      return `${refusal.asked} device locks of ${refusal.resource} are asked for at once; below ${refusal.scope} at most ${refusal.slots} may be held`
    case 'outside-own-device':
      return `${refusal.lock} is not the lock of device ${refusal.device}`
    case 'forbidden-by-policy':
      return describePolicy(refusal)
    case 'request-ended':
      return `the request ended ${seconds(refusal.agoMs)} ago: ${refusal.how}`
    case 'request-of-another':
      return `the request id belongs to ${refusal.owner}`
    case 'stale-message':
      return 'a later heartbeat of the session had already given this request up'
    case 'not-ready':
      return `nothing is granted for another ${seconds(refusal.inMs)}`
    case 'unbelievable-fence':
      return `fence ${refusal.fence} was claimed, the highest granted is ${refusal.highest}`
    case 'identity-taken':
      return describeIdentity(refusal)
    case 'reason-missing':
      return 'no reason was given'
    case 'push-under-way':
      return describePush(refusal)
    case 'push-unknown':
      return `push ${refusal.push} is unknown`
    case 'no-devices':
      return `no agent below ${refusal.scope} has said hello`
    case 'old-fence':
      return `fence ${refusal.fence} of ${refusal.lock} is old: the floor is ${refusal.floor}${heldNow(refusal.holder)}`
    case 'lock-not-held':
      return `${refusal.lock} is not held under fence ${refusal.fence} by this session${heldNow(refusal.holder)}`
    case 'lock-does-not-cover':
      return `${refusal.lock} does not cover ${refusal.scope}`
  }
}

/** What to do next, where more is known than the table of codes says. */
export function hintOf(refusal: Refusal, hint: string): string {
  return refusal.why === 'push-under-way' ? hint.replace('PUSH', refusal.push) : hint
}

/** Of a lock, a document or a policy. */
export function unknownResource(resource: string, known: readonly string[]): string {
  const meant = nearest(resource, known)
  const said = meant === undefined ? '' : `; did you mean "${meant}"?`
  return `resource "${resource}" is unknown; known are ${known.join(', ')}${said}`
}

type Of<Why extends RefusalWhy> = Extract<Refusal, { why: Why }>

function describeIdentity({ device, by }: Of<'identity-taken'>): string {
  if (by === null) return `the name is not that of device ${device}`
  const heard = by.lastHeardMs === null ? '' : `, last heard ${seconds(by.lastHeardMs)} ago`
  return `the name belongs to device ${device}${heard}; it is free when that has been silent for ${seconds(by.leaseLeftMs)}`
}

function describePolicy({ name, lock, policyOf, mayLock }: Of<'forbidden-by-policy'>): string {
  const covering = policyOf === lock ? '' : `, which covers ${policyOf}`
  return `${name} may not lock ${lock}${covering}; the policy allows ${mayLock.join(', ') || 'nobody'}`
}

function describePush({ push, by, scope, sinceMs, awaits }: Of<'push-under-way'>): string {
  const since = sinceMs === null ? '' : ` (for ${seconds(sinceMs)})`
  const last = awaits.length > 3 ? `${awaits.length} devices` : awaits.join(', ') || 'nobody'
  return `push ${push} by ${by} to ${scope} is under way${since}; it ends when it has an answer of ${last}`
}

const heldNow = (holder: Blocker | null): string => (holder === null ? '' : `; ${describeBlocker(holder)}`)

function describeBlocker({ lock, owner, state, heldMs, freedBy, slot }: Blocker): string {
  const when = freedBy.inMs === null ? '' : ` in ${seconds(freedBy.inMs)} at the latest`
  const place =
    slot === undefined ? '' : `, one of ${slot.most} slot${slot.most === 1 ? '' : 's'} below ${slot.scope}`
  return `${lock} is ${whose(state, owner?.name ?? 'nobody')} for ${seconds(heldMs)}${place} (freed by ${freedBy.what}${when})`
}
