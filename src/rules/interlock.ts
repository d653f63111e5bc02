import { isBelievable } from './continuity.ts'
import type { LockFence, SessionKind } from './fleet.ts'
import { covers, parseLock } from './scope.ts'
import { whose } from './whose.ts'

/**
 * Why a device stands still. Every reason is a hold; the device pauses at the first and runs only when none is left. Holds
 * are added by whatever is heard, and taken away only by evidence: state, input, time in; a new state out.
 *
 * Times are milliseconds on the device's clock.
 */
export type HoldKind = 'lock' | 'config' | 'contact' | 'operator' | 'controller'

export interface Hold {
  readonly id: string
  readonly kind: HoldKind
  readonly owner: string
  readonly why: string
  readonly since: number
  /** When it is expected to fall by itself, at the latest; null when nobody knows. */
  readonly until: number | null
  readonly lock?: string
  /** The grant that holds the device. It only grows while the hold lasts. */
  readonly fence?: number
  /** A bypass: it stays listed, and stops nothing. */
  readonly waived: boolean
}

/** A place in Locksmith's order of things. */
export interface Position {
  readonly term: number
  readonly rev: number
}

/** What is known of a lock from its own records. */
interface Seen extends Position {
  readonly floor: number
  /** When it was heard. */
  readonly at: number
}

export interface Interlock {
  /** The device's name: locks of agent sessions of this name are its own. */
  readonly name: string
  readonly device: string
  /** False: after a stop a person restarts it. */
  readonly autoRestart: boolean
  readonly holds: ReadonlyMap<string, Hold>
  readonly seen: ReadonlyMap<string, Seen>
  /** The last renewing reply: it speaks for all covering locks. */
  readonly asOf: Position
  /** Highest fence known to have been granted. */
  readonly fenceHigh: number
  /** No lock hold falls before. */
  readonly quietUntil: number
  /** Bypasses of an earlier life of the agent, until Locksmith says which of their grants still stand. */
  readonly remembered: readonly Waiver[]
}

/** A lock as a record or a heartbeat reply shows it. */
export interface LockView extends Position {
  readonly lock: string
  readonly state: 'free' | 'held' | 'orphaned'
  readonly fence: number
  readonly floor: number
  readonly owner: { readonly name: string; readonly kind?: SessionKind | undefined } | null
  readonly reason: string
  readonly freedBy: { readonly what: string; readonly inMs: number | null } | null
}

/** A heartbeat reply, as far as the interlock is concerned. */
export interface TruthView extends Position {
  /** When the heartbeat that it answers was sent. */
  readonly sentAt: number
  readonly leaseMs: number
  readonly quietMs: number
  readonly fenceHigh: number
  readonly covering: readonly LockView[]
}

export const CONTACT = 'contact'
export const RESTART = 'operator:restart'
export const lockHoldId = (lock: string): string => `lock:${lock}`
export const configHoldId = (resource: string): string => `config:${resource}`
export const controllerHoldId = (controller: string): string => `controller:${controller}`
export const limitsHoldId = (controller: string): string => `limits:${controller}`

export interface Identity {
  readonly name: string
  readonly device: string
  readonly autoRestart: boolean
}

/** The state at boot: paused until the first renewing reply. `remembered`: the bypasses that were in force before. */
export function bootInterlock(
  identity: Identity,
  now: number,
  remembered: readonly Waiver[] = []
): Interlock {
  const state: Interlock = {
    ...identity,
    holds: new Map(),
    seen: new Map(),
    asOf: { term: 0, rev: 0 },
    fenceHigh: 0,
    quietUntil: Number.NEGATIVE_INFINITY,
    remembered
  }
  const why = 'booted; Locksmith has not been heard yet'
  return raise(state, { id: CONTACT, kind: 'contact', owner: identity.name, why }, now)
}

const isNewer = (a: Position, b: Position): boolean => a.term > b.term || (a.term === b.term && a.rev > b.rev)

const isOwn = (state: Interlock, view: LockView): boolean =>
  view.owner?.kind === 'agent' && view.owner.name === state.name

function coversDevice(state: Interlock, lock: string): boolean {
  const path = parseLock(lock)
  return path !== undefined && covers(path.scope, state.device)
}

/** A foreign grant that covers the device and has not ended. */
const isForeign = (state: Interlock, view: LockView): boolean =>
  view.state !== 'free' && !isOwn(state, view) && coversDevice(state, view.lock)

/**
 * A heartbeat reply whose lease had not run out when it was read. Any may add holds; only one that renews, outside a quiet
 * time, takes away those that it lists no more.
 */
export function onTruth(before: Interlock, truth: TruthView, now: number): Interlock {
  const state = withoutFalseRecords(before, truth)
  const speaks = truth.leaseMs > 0 && truth.quietMs === 0
  const highest = Math.max(state.fenceHigh, truth.fenceHigh, ...truth.covering.map((view) => view.fence))
  if (isNewer(state.asOf, truth)) return { ...state, fenceHigh: highest }
  let next: Interlock = {
    ...state,
    fenceHigh: highest,
    quietUntil: Math.max(state.quietUntil, now + truth.quietMs),
    asOf: speaks && isNewer(truth, state.asOf) ? { term: truth.term, rev: truth.rev } : state.asOf
  }
  const listed = truth.covering.filter((view) => isForeign(state, view) && !isOverdue(state, truth, view))
  for (const view of listed) next = addLock(next, view, now)
  if (!speaks) return next
  next = { ...next, remembered: [] }
  const names = new Set(listed.map((view) => view.lock))
  const fallen = [...next.holds.values()].filter(
    (hold) => mayFall(state, truth, hold) && !names.has(hold.lock ?? '')
  )
  return drop(
    next,
    fallen.map((hold) => hold.id),
    now
  )
}

/**
 * Whoever answers a heartbeat knows every record that was published before the heartbeat was sent. One that claims to be newer
 * than such an answer is not Locksmith's word: it must neither hide a grant nor keep a hold.
 */
function withoutFalseRecords(state: Interlock, truth: TruthView): Interlock {
  if (truth.leaseMs <= 0) return state
  const isFalse = (seen: Seen): boolean => seen.at < truth.sentAt && isNewer(seen, truth)
  if (![...state.seen.values()].some(isFalse)) return state
  return { ...state, seen: new Map([...state.seen].filter(([, seen]) => !isFalse(seen))) }
}

/** A record heard since says that the grant listed here has ended. */
function isOverdue(state: Interlock, truth: TruthView, view: LockView): boolean {
  const seen = state.seen.get(view.lock)
  return seen !== undefined && isNewer(seen, truth) && view.fence < seen.floor
}

/** Nobody may take away what he cannot know of: a Locksmith that has lost grants, or a reply that a later record overtook. */
function mayFall(state: Interlock, truth: TruthView, hold: Hold): boolean {
  if (hold.kind === 'contact') return truth.fenceHigh >= state.fenceHigh
  if (hold.kind !== 'lock' || hold.lock === undefined) return false
  if ((hold.fence ?? 0) > truth.fenceHigh) return false
  const seen = state.seen.get(hold.lock)
  return seen === undefined || !isNewer(seen, truth)
}

/** False for fences that cannot be: whoever repeated them would be believed by nobody any more. */
export const isCredible = ({ fenceHigh }: Interlock, { fence, floor }: LockView): boolean =>
  isBelievable(Math.max(fence, floor), fenceHigh)

/** A record of one lock, retained or fresh. It may add a hold; a free one that is not older, and knows of the grant, takes it away. */
export function onRecord(state: Interlock, record: LockView, now: number): Interlock {
  if (!coversDevice(state, record.lock) || !isCredible(state, record)) return state
  const seen = state.seen.get(record.lock)
  if (isNewer(seen ?? state.asOf, record) || isNewer(state.asOf, record)) return state
  const next: Interlock = {
    ...state,
    fenceHigh: Math.max(state.fenceHigh, record.fence),
    seen: new Map(state.seen).set(record.lock, {
      term: record.term,
      rev: record.rev,
      at: now,
      floor: Math.max(seen?.floor ?? 0, record.floor)
    })
  }
  if (isForeign(state, record)) return addLock(next, record, now)
  const hold = state.holds.get(lockHoldId(record.lock))
  const ended = record.state === 'free' && now >= state.quietUntil && (hold?.fence ?? 0) < record.floor
  return hold !== undefined && ended ? drop(next, [hold.id], now) : next
}

/** A grant newer than the one that holds the device is a new hold: a bypass of the older one has ended with it. */
function addLock(state: Interlock, view: LockView, now: number): Interlock {
  const id = lockHoldId(view.lock)
  const old = state.holds.get(id)
  if (old !== undefined && (old.fence ?? 0) > view.fence) return state
  const same = old !== undefined && old.fence === view.fence
  const inMs = view.freedBy?.inMs ?? null
  const owner = view.owner?.name ?? 'nobody'
  return put(state, {
    id,
    kind: 'lock',
    owner,
    why: `${view.lock} is ${whose(view.state, owner)}${view.reason === '' ? '' : `: ${view.reason}`}`,
    since: same ? old.since : now,
    until: inMs === null ? null : now + inMs,
    lock: view.lock,
    fence: view.fence,
    waived: same ? old.waived : isRemembered(state, id, view.fence)
  })
}

const isRemembered = ({ remembered }: Interlock, id: string, fence: number): boolean =>
  remembered.some((waiver) => waiver.id === id && waiver.fence === fence)

const put = (state: Interlock, hold: Hold): Interlock => ({
  ...state,
  holds: new Map(state.holds).set(hold.id, hold)
})

export type NewHold = Pick<Hold, 'id' | 'kind' | 'owner' | 'why'> & { readonly until?: number | null }

/** Adds a hold, or tells a standing one's reason anew; its beginning stays. */
export function raise(state: Interlock, hold: NewHold, now: number): Interlock {
  const since = state.holds.get(hold.id)?.since ?? now
  return put(state, { ...hold, since, until: hold.until ?? null, waived: false })
}

/**
 * Takes holds away. Where the restart awaits a person, the last one that falls leaves that hold behind; only the person's own
 * act takes it away.
 */
export function drop(state: Interlock, ids: readonly string[], now: number): Interlock {
  if (ids.every((id) => !state.holds.has(id))) return state
  const holds = new Map(state.holds)
  for (const id of ids) holds.delete(id)
  const next = { ...state, holds }
  const stopped = [...state.holds.values()].some((hold) => !hold.waived && hold.id !== RESTART)
  if (state.autoRestart || !stopped || decision(next) === 'paused') return next
  const why = 'restart awaits a person: the profile does not allow an automatic one (autoRestart)'
  return raise(next, { id: RESTART, kind: 'operator', owner: state.name, why }, now)
}

const WAIVABLE: ReadonlySet<HoldKind> = new Set(['lock', 'operator', 'contact'])

export interface Waiver {
  readonly id: string
  /** The fence that was seen; a hold of another grant is not waived. */
  readonly fence?: number
}

/** Waives exactly the holds that were seen. Configuration in doubt and a controller that objects cannot be waived. */
export function waive(state: Interlock, waivers: readonly Waiver[]): Interlock {
  let next = state
  for (const { id, fence } of waivers) {
    const hold = next.holds.get(id)
    if (hold !== undefined && WAIVABLE.has(hold.kind) && hold.fence === fence)
      next = put(next, { ...hold, waived: true })
  }
  return next
}

/** The bypasses in force, and those of an earlier life that may still be. */
export function waiversOf({ holds, remembered }: Interlock): readonly Waiver[] {
  const waived = [...holds.values()].filter((hold) => hold.waived)
  const present = waived.map(({ id, fence }) => (fence === undefined ? { id } : { id, fence }))
  return [...present, ...remembered.filter(({ id }) => !holds.has(id))]
}

/** The device runs when every hold is gone or waived. */
export const decision = (state: Interlock): 'paused' | 'run' =>
  [...state.holds.values()].some((hold) => !hold.waived) ? 'paused' : 'run'

/** The foreign grants under which the device stands. */
export function heldUnder(state: Interlock): readonly LockFence[] {
  return [...state.holds.values()].flatMap(({ lock, fence, waived }) =>
    lock === undefined || fence === undefined || waived ? [] : [{ lock, fence }]
  )
}
