import { LocksmithError } from '../protocol/errors.ts'
import type { ReplyOf, WireRequest } from '../protocol/messages.ts'
import { makeId } from './id.ts'
import type { FleetConnection } from './types.ts'

type Query = Extract<WireRequest, { op: 'query' }>

export interface Question {
  readonly what: Query['what']
  readonly subject?: string | undefined
  readonly random: () => number
}

/** So often a listing is begun anew because Locksmith was, in the middle of it. */
const TRIES = 3

/**
 * What Locksmith answers to a question, put together from as many pages as it takes; one round trip each. All pages are of
 * one life of Locksmith: what is listed was there when its page was made, and nothing twice.
 * @throws LocksmithError LK-6001, LK-6002, or the refusal
 */
export async function queryAll(connection: FleetConnection, question: Question): Promise<unknown> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const pages = await pagesOf(connection, question)
    if (pages !== undefined) return pages.reduce((all, page) => joined(all, page))
  }
  throw new LocksmithError('LK-6002', 'Locksmith was started again and again while it answered')
}

async function pagesOf(connection: FleetConnection, question: Question): Promise<unknown[] | undefined> {
  const { what, subject, random } = question
  const pages: ReplyOf<'answer'>[] = []
  for (let after: string | null = ''; after !== null; ) {
    const about = subject === undefined ? {} : { subject }
    const page: ReplyOf<'answer'> = await connection.call(
      { op: 'query', id: makeId(random), what, ...about, after },
      'answer'
    )
    if (pages[0] !== undefined && page.term !== pages[0].term) return undefined
    pages.push(page)
    after = page.next ?? null
  }
  return pages.map(({ data }) => data)
}

/** Lists are put one behind the other, also within a status; the rest of it is the last page's. */
function joined(all: unknown, page: unknown): unknown {
  if (Array.isArray(all) && Array.isArray(page)) return [...all, ...page]
  if (hasDevices(all) && hasDevices(page)) return { ...page, devices: [...all.devices, ...page.devices] }
  return page
}

const hasDevices = (data: unknown): data is { devices: unknown[] } =>
  typeof data === 'object' && data !== null && 'devices' in data && Array.isArray(data.devices)
