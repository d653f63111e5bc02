import { formatDuration } from '../protocol/duration.ts'
import type { WireBlocker } from '../protocol/messages.ts'
import { whose } from '../rules/whose.ts'
import type { LockView } from './answers.ts'

/** Pieces of sentences that several verbs use. */

export const ownerName = (owner: LockView['owner']): string =>
  owner === null ? 'nobody' : typeof owner === 'string' ? owner : owner.name

export const heard = (lastHeardMs: number | null): string =>
  lastHeardMs === null ? 'not heard since Locksmith started' : `last heard ${formatDuration(lastHeardMs)} ago`

export function freed(freedBy: LockView['freedBy']): string {
  if (freedBy === null) return ''
  return freedBy.inMs === null ? freedBy.what : `${freedBy.what}, within ${formatDuration(freedBy.inMs)}`
}

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`

/** What stands between a request and its grant. */
export function blockedBy(blockers: readonly WireBlocker[]): string {
  const one = ({ lock, state, owner, lastHeardMs, freedBy, slot }: WireBlocker): string => {
    const place = slot === undefined ? '' : `, one of ${plural(slot.most, 'slot')} below ${slot.scope}`
    const who = `${lock} is ${whose(state, owner?.name ?? 'nobody')}${place}`
    return state === 'queued'
      ? `${owner?.name ?? 'somebody'} waits for ${lock} before you`
      : `${who}, ${heard(lastHeardMs)}; ends by: ${freed(freedBy)}`
  }
  return blockers.map(one).join('; ') || 'nothing is granted just now'
}
