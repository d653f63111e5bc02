import type { LockRecord, WireBlocker, WireReply, WireRequest } from '../../../src/protocol/messages.ts'
import type { Hold } from '../../../src/rules/interlock.ts'

/** Messages in the few words that a transcript has room for. */

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

type Grants = readonly { readonly lock: string; readonly fence: number }[]
export const fenced = (locks: Grants): string =>
  locks.map(({ lock, fence }) => `${lock} under fence ${fence}`).join(', ') || 'nothing'

/** Requests have ids that say nothing: they are called by their locks. */
export class Names {
  readonly #locks = new Map<string, string>()

  learn(request: string, locks: readonly string[]): void {
    this.#locks.set(request, locks.join(' + '))
  }

  of(request: string): string {
    return this.#locks.get(request) ?? 'a request'
  }
}

export function sayRequest(request: WireRequest, names: Names): string {
  switch (request.op) {
    case 'hello':
      return `hello${request.device === null ? '' : `, agent of ${request.device}`}${known(request)}`
    case 'heartbeat': {
      for (const ask of request.asks) names.learn(ask.request, ask.locks)
      const asks = request.asks.map(({ request: id, over }) => `${names.of(id)}${over ? ' (over)' : ''}`)
      const standing = request.standing.length === 0 ? '' : `, stands under ${fenced(request.standing)}`
      return `heartbeat ${request.seq}, heard ${request.heard}, names ${asks.join(', ') || 'nothing'}${standing}`
    }
    case 'acquire':
      names.learn(request.request, request.locks)
      return `acquire ${names.of(request.request)}${request.wait ? '' : ', now or not at all'}`
    case 'release':
      return `release ${names.of(request.request)}`
    case 'unlock':
      return `unlock ${request.lock} (saw fence ${request.fence}): "${request.reason}"`
    case 'push': {
      const under = request.under === null ? 'rolling' : `together under ${fenced([request.under])}`
      return `push ${request.resource} version ${request.version} to ${request.scope}, ${under}`
    }
    case 'outcome': {
      const why = request.code === null ? '' : ` ${request.code}: ${request.detail}`
      const version = request.version === null ? '' : `, version ${request.version} in force`
      return `outcome ${request.outcome}${why}${version}`
    }
    case 'withdraw':
      return `withdraw a push: "${request.reason}"`
    case 'query':
      return `query ${request.what} ${request.subject ?? ''}`.trim()
    default:
      return request.op
  }
}

const known = ({ knownFence, knownTerm = 0 }: { knownFence: number; knownTerm?: number | undefined }) =>
  knownFence === 0 ? '' : `, knows of fence ${knownFence} and term ${knownTerm}`

export function sayReply(reply: WireReply, names: Names): string {
  switch (reply.op) {
    case 'hello':
      return `hello, session ${short(reply.session)}${reply.news.map((one) => `; news: ${one}`).join('')}`
    case 'heartbeat':
      return sayTruth(reply, names)
    case 'granted':
      return `granted ${fenced(reply.locks)}`
    case 'queued':
      return `${names.of(reply.request)}: ${sayPlace(reply)}${reply.quietMs > 0 ? `; quiet for ${seconds(reply.quietMs)}` : ''}`
    case 'released':
      return `released ${names.of(reply.request)}`
    case 'ended':
      return `${reply.locks.length === 0 ? names.of(reply.request) : fenced(reply.locks)} has ended: ${reply.how}`
    case 'refused':
      return `refused ${reply.refusal.code}: ${reply.refusal.message}`
    case 'failed':
      return `failed ${reply.refusal.code}: ${reply.refusal.message}`
    case 'unlocked':
      return `${reply.lock} ${reply.outcome}${reply.freeInMs === null ? '' : `, free in ${seconds(reply.freeInMs)}`}`
    case 'push':
      return `push ${reply.state}${reply.why === '' ? '' : ` (${reply.why})`}: ${reply.devices
        .map(({ device, state }) => `${device.slice(device.lastIndexOf('/') + 1)} ${state}`)
        .join(', ')}`
    default:
      return reply.op
  }
}

function sayTruth(reply: Extract<WireReply, { op: 'heartbeat' }>, names: Names): string {
  const { leaseMs, holding, queued, covering, quietMs } = reply
  const parts = [leaseMs > 0 ? `lease ${seconds(leaseMs)}` : 'renews nothing']
  if (quietMs > 0) parts.push(`quiet for ${seconds(quietMs)}`)
  if (holding.length > 0) parts.push(`holding ${fenced(holding)}`)
  for (const { request, ...place } of queued) parts.push(`${names.of(request)}: ${sayPlace(place)}`)
  parts.push(`covered by ${covering.map(sayRecord).join(', ') || 'nothing'}`)
  return `reply to ${reply.seq}: ${parts.join('; ')}`
}

const sayPlace = ({ place, blockers }: { place: number; blockers: readonly WireBlocker[] }): string =>
  `place ${place}, behind ${blockers.map(sayBlocker).join(', ') || 'nobody'}`

function sayBlocker({ lock, owner, state, fence, slot, freedBy }: WireBlocker): string {
  const of = owner === null ? 'nobody' : owner.name
  const where = slot === undefined ? '' : `, one of ${slot.most} slot(s) of ${slot.scope}`
  if (state === 'queued') return `${of}, who waits for ${lock}`
  const when = freedBy.inMs === null ? '' : ` in ${seconds(freedBy.inMs)}`
  return `${lock} of ${of} (${state}, fence ${fence}${where}), freed by ${freedBy.what}${when}`
}

export const sayRecord = (record: LockRecord): string =>
  record.state === 'free'
    ? `${record.lock} free, floor ${record.floor}`
    : `${record.lock} ${record.state}, ${record.owner?.name ?? 'nobody'}’s under fence ${record.fence}`

export const sayHold = ({ id, owner, fence, kind, waived }: Hold): string => {
  const whose = kind === 'lock' ? ` of ${owner}, fence ${fence ?? '?'}` : ''
  return `${id}${whose}${waived ? ' (waived)' : ''}`
}

/** Sessions are numbered in their thousands of millions by term: the term and the number within it. */
export const short = (session: number): string => `${Math.floor(session / 1e9)}.${session % 1e9}`
