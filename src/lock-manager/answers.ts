import type { LocksmithStatus, WireRequest } from '../protocol/messages.ts'
import type { Fleet } from '../rules/fleet.ts'
import { quietLeftMs } from '../rules/opening.ts'
import type { StatesNow } from './device-states.ts'
import { type Listing, pageAfter, whole } from './pages.ts'
import { devicesListing, locksListing, pushesView, whyView } from './views.ts'

export type Query = Extract<WireRequest, { op: 'query' }>

/** This process, as `status` tells of it. */
export interface Self {
  /** Names this process. */
  readonly life: string
  readonly version: string
  readonly startedAt: number
  readonly sweeps: number
}

export interface Known {
  readonly fleet: Fleet
  readonly states: StatesNow
  readonly self: Self
}

export interface Answer {
  /** Undefined when there is no such thing. */
  readonly data: unknown
  /** Only of a page: where the next one begins, or null. */
  readonly next?: string | null
}

/** The answer to a question: a page of it, when pages were asked for. */
export function lookUp({ fleet, states, self }: Known, query: Query, now: number): Answer {
  switch (query.what) {
    case 'locks':
      return listed(locksListing(fleet, now), query, (locks) => locks)
    case 'devices':
      return listed(devicesListing(fleet, states, now), query, (devices) => devices)
    case 'why':
      return { data: whyView(fleet, states, query.subject ?? '', now) }
    case 'status': {
      const head = { locksmith: selfView(fleet, self, now), pushes: pushesView(fleet, now) }
      return listed(devicesListing(fleet, states, now), query, (devices) => ({ ...head, devices }))
    }
  }
}

type Shape = (items: readonly unknown[]) => unknown

function listed(listing: Listing, { after }: Query, shape: Shape): Answer {
  if (after === undefined) return { data: shape(whole(listing)) }
  const { items, next } = pageAfter(listing, after)
  return { data: shape(items), next }
}

function selfView(fleet: Fleet, { life, version, startedAt, sweeps }: Self, now: number): unknown {
  const { term, instance = life } = fleet.meta
  return {
    up: true,
    version,
    instance,
    term,
    startedMs: Math.round(now - startedAt),
    watchdog: {
      opensInMs: Math.round(Math.max(0, fleet.opensAt - now)),
      quietMs: Math.round(quietLeftMs(fleet, now))
    },
    collector: { sweeps },
    store: { kind: 'sqlite', locks: [...fleet.locks.values()].length }
  }
}

/** The retained status: for people, and for a later life of Locksmith as evidence of what was granted. */
export function statusOf(
  fleet: Fleet,
  { life, version }: Self,
  { up, now }: { up: boolean; now: number }
): LocksmithStatus {
  const { term, fenceLimit, fenceHigh, instance = life } = fleet.meta
  return { instance, life, version, term, up, fenceLimit, fenceHigh, quietMs: quietLeftMs(fleet, now) }
}
