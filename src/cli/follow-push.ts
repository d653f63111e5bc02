import type { FleetSession, Grant } from '../client/index.ts'
import type { WirePushDevice, WireRequest } from '../protocol/messages.ts'
import type { FleetAccess } from './connect.ts'
import type { PushState } from './run-push.ts'
import { anyAborted } from './stop.ts'

export interface Following {
  readonly session: FleetSession
  /** The push request: repeating it under its id asks for its state. */
  readonly build: (session: number, seq: number) => Extract<WireRequest, { op: 'push' }>
  readonly first: PushState
  /** Each of them ends the following, with its reason. */
  readonly ends: readonly AbortSignal[]
  readonly note: (text: string) => void
  readonly progress?: (devices: readonly WirePushDevice[]) => void
  /** A push together goes on only at its pusher's word: it is given after each outcome, and while devices come to a stand. */
  readonly under?: Grant | undefined
}

/** A push that is told at each outcome may lose a message, so it is asked for as well. */
const ASK_EVERY_MS = 2000
const DRIVE_EVERY_MS = 200

/** Resolves when the push is done or withdrawn. */
export async function followPush(fleet: FleetAccess, following: Following): Promise<PushState> {
  const { first, ends, note, progress, under } = following
  const everyMs = under !== undefined ? DRIVE_EVERY_MS : ASK_EVERY_MS
  let news = new AbortController()
  const over = new AbortController()
  let latest = first
  const told = new Set<string>()
  const take = (state: PushState): void => {
    if (isOlder(state, latest)) return
    latest = state
    tell(state.devices, told, note)
    progress?.(state.devices)
    if (state.state !== 'open') over.abort()
  }
  take(first)
  const deaf = fleet.connection.onReply((reply) => {
    if (reply.op !== 'push' || reply.id !== first.id) return
    take(reply)
    // Unasked: something has changed.
    if (under !== undefined && reply.seq === 0) news.abort()
  })
  try {
    while (!over.signal.aborted) {
      const ended = await untilNextLook(fleet, everyMs, [over.signal, ...ends, news.signal])
      if (ended === over.signal) break
      if (ended !== undefined && ended !== news.signal) throw ended.reason
      news = new AbortController()
      take(await ask(following).catch(() => latest))
    }
    return latest
  } finally {
    deaf()
  }
}

const ask = ({ session, build, under }: Following): Promise<PushState> =>
  session.request(build, 'push', { timeoutMs: ASK_EVERY_MS, ...(under === undefined ? {} : { under }) })

/** The signal that aborted, or undefined when it is time to ask. */
async function untilNextLook(
  fleet: FleetAccess,
  everyMs: number,
  signals: readonly AbortSignal[]
): Promise<AbortSignal | undefined> {
  const due = new AbortController()
  const timer = fleet.clock.after(everyMs, () => due.abort())
  const ended = await anyAborted(...signals, due.signal)
  timer.cancel()
  return ended === due.signal ? undefined : ended
}

const isOlder = (a: PushState, b: PushState): boolean =>
  a.term < b.term || (a.term === b.term && a.rev < b.rev)

function tell(devices: readonly WirePushDevice[], told: Set<string>, note: (text: string) => void): void {
  for (const { device, state, version, code, detail } of devices) {
    const key = `${device} ${state}`
    if (state === 'waiting' || told.has(key)) continue
    told.add(key)
    const more = state === 'applied' ? `version ${version ?? '?'}` : [code, detail].filter(Boolean).join(' ')
    note(`${device}: ${state}${more === '' ? '' : ` (${more})`}`)
  }
}
