import type { AgentState, LocksmithStatus, WireRequest } from '../protocol/messages.ts'
import type { Fleet } from '../rules/fleet.ts'
import { devicesView, locksView, whyView } from './views.ts'

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
  readonly states: ReadonlyMap<string, AgentState>
  readonly self: Self
}

/** The answer to a question; undefined when there is no such thing. */
export function lookUp({ fleet, states, self }: Known, { what, subject }: Query, now: number): unknown {
  switch (what) {
    case 'locks':
      return locksView(fleet, now)
    case 'devices':
      return devicesView(fleet, states, now)
    case 'why':
      return whyView(fleet, states, subject ?? '', now)
    case 'status':
      return { locksmith: selfView(fleet, self, now), devices: devicesView(fleet, states, now) }
  }
}

function selfView(fleet: Fleet, { life, version, startedAt, sweeps }: Self, now: number): unknown {
  const { term, quietUntil, instance = life } = fleet.meta
  return {
    up: true,
    version,
    instance,
    term,
    startedMs: Math.round(now - startedAt),
    watchdog: {
      opensInMs: Math.round(Math.max(0, fleet.opensAt - now)),
      quietMs: Math.round(Math.max(0, quietUntil - now))
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
  const { term, fenceLimit, fenceHigh, quietUntil, instance = life } = fleet.meta
  const quietMs = Math.max(0, quietUntil - now)
  return { instance, life, version, term, up, fenceLimit, fenceHigh, quietMs }
}
