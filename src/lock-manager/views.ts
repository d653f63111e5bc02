import type { AgentState, LockRecord } from '../protocol/messages.ts'
import { takenAmong } from '../rules/conflicts.ts'
import type { Fleet, Lock } from '../rules/fleet.ts'
import { agentsBelow, freedBy, lastHeardMs, leaseUntil, lockOf, maxHoldAt } from '../rules/lock.ts'
import { isPending, stands, unreachableAt } from '../rules/push.ts'
import { hasLease, waitersFor } from '../rules/queue.ts'
import { phaseOf } from '../rules/request.ts'
import { covers, deviceName, parseLock, WHOLE_FLEET } from '../rules/scope.ts'
import { fullPools } from '../rules/slots.ts'
import type { StatesNow } from './device-states.ts'
import type { Listing } from './pages.ts'

/** What people and programs see of the fleet: the shapes of `locks`, `status` and `why`. Nothing here decides anything. */

/** As many waiters as a record names: it travels with every heartbeat reply below the lock. */
const WAITERS_TOLD = 20

function waitersOf(
  fleet: Fleet,
  lock: Lock,
  now: number,
  most = Number.POSITIVE_INFINITY
): { name: string; waitedMs: number }[] {
  return waitersFor(fleet, [lock.name])
    .slice(0, most)
    .map(({ name, since }) => ({ name, waitedMs: Math.round(now - since) }))
}

/** Who is waiting, as far as a record tells it. */
export const namesWaiting = (fleet: Fleet, lock: Lock): string[] =>
  waitersFor(fleet, [lock.name])
    .slice(0, WAITERS_TOLD)
    .map(({ name }) => name)

/** A lock as its retained record tells it. */
export function recordOf(fleet: Fleet, lock: Lock, now: number): LockRecord {
  const { name } = lock
  const held = lock.state !== 'free'
  const owner =
    lock.owner === null ? null : { ...lock.owner, ...(lock.kind === null ? {} : { kind: lock.kind }) }
  return {
    lock: name,
    state: lock.state,
    fence: lock.fence,
    floor: lock.floor,
    owner,
    phase: phaseOf(fleet, lock) || null,
    reason: lock.reason,
    term: lock.term,
    rev: lock.rev,
    heldMs: held ? Math.round(now - lock.grantedAt) : 0,
    leaseLeftMs: held ? Math.max(0, Math.floor(finite(leaseUntil(fleet, lock) - now))) : 0,
    maxHoldLeftMs: held ? Math.max(0, Math.round(maxHoldAt(fleet, lock) - now)) : null,
    waiters: waitersOf(fleet, lock, now, WAITERS_TOLD),
    freedBy: freedBy(fleet, lock, now)
  }
}

const finite = (ms: number): number => (Number.isFinite(ms) ? ms : 0)

/** `locksmith locks`: every lock, with who waits and what stands still under it. */
export const locksListing = (fleet: Fleet, now: number): Listing => ({
  keys: [...fleet.locks.values()].map(({ name }) => name),
  view: (name) => lockView(fleet, lockOf(fleet, name), now)
})

function lockView(fleet: Fleet, lock: Lock, now: number): unknown {
  const agents = lock.state === 'free' ? [] : agentsBelow(fleet, lock.scope)
  const under = { lock: lock.name, fence: lock.fence }
  const { term: _term, rev: _rev, maxHoldLeftMs: _left, ...record } = recordOf(fleet, lock, now)
  const { owner } = lock
  return {
    ...record,
    owner: owner === null ? null : { name: owner.name, session: owner.session, boot: owner.boot },
    lastHeardMs: lastHeardMs(fleet, lock, now),
    waiters: waitersOf(fleet, lock, now),
    paused: {
      devices: agents.length,
      standing: agents.filter((agent) => stands(fleet, agent, under)).length,
      unreachable: agents.filter((agent) => unreachableAt(fleet, agent.device ?? '') <= now).length
    }
  }
}

/** What is known of every device: its state as it published it, or that nobody has heard of it. */
export const devicesListing = (fleet: Fleet, states: StatesNow, now: number): Listing => ({
  keys: [
    ...new Set([...states.paths(), ...agentsBelow(fleet, WHOLE_FLEET).flatMap(({ device }) => device ?? [])])
  ],
  view: (path) => deviceView(fleet, states, path, now)
})

function deviceView(fleet: Fleet, states: StatesNow, path: string, now: number): unknown {
  const told = states.get(deviceName(path))
  const base =
    told?.device === path
      ? told
      : { device: path, kind: '', state: 'fault', holds: [], configs: {}, controllers: [] }
  const agent = agentsBelow(fleet, path).find(({ device }) => device === path)
  if (agent === undefined) return base
  const lastHeard = fleet.contacts.get(String(agent.session))?.renewedAt
  return {
    ...base,
    online: hasLease(fleet, agent.session, now),
    lastHeardMs: lastHeard === undefined ? null : Math.round(now - lastHeard)
  }
}

/** Pushes that have not ended, and of how many devices each awaits an answer. */
export const pushesView = (fleet: Fleet, now: number): unknown[] =>
  fleet.openPushes.map(({ id, resource, version, scope, by, under, startedAt, devices }) => ({
    ...{ id, resource, version, scope, by, under },
    sinceMs: startedAt === undefined ? null : Math.round(now - startedAt),
    devices: devices.length,
    awaits: devices.filter(isPending).length
  }))

interface ChainLink {
  readonly hold: string
  readonly why: string
  readonly lock: string | null
  readonly owner: string | null
  readonly sinceMs: number | null
  readonly lastHeardMs: number | null
  readonly freedBy: unknown
}

/** `locksmith why DEVICE|LOCK`: one complete answer to "why is it blocked". Undefined when there is no such thing. */
export function whyView(fleet: Fleet, states: StatesNow, subject: string, now: number): unknown {
  const path = parseLock(subject)
  if (path !== undefined) return whyLock(fleet, subject, now)
  const named = (path: string): boolean => subject === path || subject === deviceName(path)
  const known = states.get(deviceName(subject))
  const state = known !== undefined && named(known.device) ? known : undefined
  const agent = agentsBelow(fleet, '*').find((one) => one.device !== null && named(one.device))
  const device = state?.device ?? agent?.device
  if (device == null) return undefined
  return whyDevice(fleet, { device, state }, now)
}

function whyLock(fleet: Fleet, subject: string, now: number): unknown {
  const conflicting = takenAmong(fleet, [subject])
  const inSlots = fullPools(fleet, [subject]).flatMap(({ locks }) => locks)
  const taken = conflicting.length > 0 ? conflicting : [...new Set(inSlots)]
  return {
    subject,
    moving: null,
    chain: taken.map((lock) => link(fleet, lock, now)),
    bypass: taken.length === 0 ? null : `locksmith unlock '${taken[0]?.name}' --reason "…"`
  }
}

function whyDevice(
  fleet: Fleet,
  subject: { device: string; state: AgentState | undefined },
  now: number
): unknown {
  const { device, state } = subject
  const covering = [...fleet.busy.values()].filter((lock) => covers(lock.scope, device))
  const holds = (state?.holds ?? []).filter((hold) => hold.kind !== 'lock')
  const chain: ChainLink[] = [
    ...covering.map((lock) => link(fleet, lock, now)),
    ...holds.map((hold) => ({
      hold: hold.kind,
      why: hold.why,
      lock: hold.lock ?? null,
      owner: hold.owner,
      sinceMs: hold.sinceMs,
      lastHeardMs: null,
      freedBy: { what: hold.why, inMs: hold.untilMs }
    }))
  ]
  return {
    subject: device,
    moving: state === undefined ? null : state.state === 'running',
    online: state?.online ?? false,
    chain,
    bypass: covering.length === 0 ? null : `locksmith unlock '${covering[0]?.name}' --reason "…"`
  }
}

function link(fleet: Fleet, lock: Lock, now: number): ChainLink {
  const record = recordOf(fleet, lock, now)
  return {
    hold: 'lock',
    why: explain(record, lastHeardMs(fleet, lock, now)),
    lock: lock.name,
    owner: lock.owner?.name ?? null,
    sinceMs: record.heldMs,
    lastHeardMs: lastHeardMs(fleet, lock, now),
    freedBy: record.freedBy
  }
}

const seconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`

/** One sentence, with the verdict that everybody asks for: a ghost, or merely slow. */
function explain(record: LockRecord, heardMs: number | null): string {
  const who = record.owner?.name ?? 'nobody'
  const heard = heardMs === null ? 'not heard since Locksmith started' : `last heard ${seconds(heardMs)} ago`
  if (record.state === 'orphaned')
    return `${who} is a ghost (${heard}): its lock has ended and awaits ${record.freedBy?.what}`
  if (record.leaseLeftMs > 0)
    return `${who} holds it (${heard}, ${record.phase || record.reason || 'no reason given'})`
  return `${who} is silent (${heard}): its lease has run out`
}
