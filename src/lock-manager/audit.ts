import { hash as digest } from 'node:crypto'
import type { AuditEntry } from '../rules/effects.ts'
import type { AuditLink } from './store.ts'

const FIRST_HASH = '0'.repeat(64)

/** The next links of the chain: each hash covers its entry and the hash before, so that nothing can be taken out unseen. */
export function chain(last: AuditLink | undefined, entries: readonly AuditEntry[], at: Date): AuditLink[] {
  let { seq, hash } = last ?? { seq: 0, hash: FIRST_HASH }
  return entries.map((entry) => {
    seq += 1
    const text = JSON.stringify({ at: at.toISOString(), ...entry })
    hash = hashLink(hash, text)
    return { seq, entry: text, hash }
  })
}

export const hashLink = (before: string, entry: string): string => digest('sha256', before + entry)

/** The number of the first link that does not follow from the one before; undefined when the chain holds. The oldest one kept is taken on trust. */
export function firstBrokenLink(links: readonly AuditLink[]): number | undefined {
  let before: AuditLink | undefined
  for (const link of links) {
    const first = before === undefined && link.seq !== 1
    const follows = before === undefined ? link.seq === 1 : link.seq === before.seq + 1
    const holds = link.hash === hashLink(before?.hash ?? FIRST_HASH, link.entry)
    if (!first && !(follows && holds)) return link.seq
    before = link
  }
  return undefined
}
