import type { AgentState, LockRecord } from '../protocol/messages.ts'
import { takenAmong } from '../rules/conflicts.ts'
import type { Fleet, Lock } from '../rules/fleet.ts'
import { agentsBelow, freedBy, lastHeardMs, leaseUntil, maxHoldAt } from '../rules/lock.ts'
import { stands, unreachableAt } from '../rules/push.ts'
import { hasLease, waitersFor } from '../rules/queue.ts'
import { phaseOf } from '../rules/request.ts'
import { covers, deviceName, parseLock } from '../rules/scope.ts'
import { fullPools } from '../rules/slots.ts'

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
export function locksView(fleet: Fleet, now: number): unknown[] {
  return [...fleet.locks.values()].map((lock) => {
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
  })
}

/** What is known of a device: its state as it published it, or that nobody has heard of it. */
export function devicesView(fleet: Fleet, states: ReadonlyMap<string, AgentState>, now: number): unknown[] {
  const known = new Map([...states.values()].map((state) => [state.device, state]))
  for (const agent of agentsBelow(fleet, '*')) {
    const device = agent.device ?? ''
    const lastHeard = fleet.contacts.get(String(agent.session))?.renewedAt
    const base = known.get(device) ?? {
      device,
      kind: '',
      state: 'fault',
      holds: [],
      configs: {},
      controllers: []
    }
    const online = hasLease(fleet, agent.session, now)
    known.set(device, {
      ...base,
      online,
      lastHeardMs: lastHeard === undefined ? null : Math.round(now - lastHeard)
    } as never)
  }
  return [...known.values()].sort((a, b) => (a.device < b.device ? -1 : 1))
}

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
export function whyView(
  fleet: Fleet,
  states: ReadonlyMap<string, AgentState>,
  subject: string,
  now: number
): unknown {
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
