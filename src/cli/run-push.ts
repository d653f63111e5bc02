import { type FleetSession, type Grant, makeId } from '../client/index.ts'
import { LocksmithError } from '../protocol/errors.ts'
import type { ReplyOf, WirePushDevice, WireRequest } from '../protocol/messages.ts'
import type { LockFence } from '../rules/fleet.ts'
import { covers, deviceName, WHOLE_FLEET } from '../rules/scope.ts'
import { readStatus } from './answers.ts'
import type { FleetAccess } from './connect.ts'
import { followPush } from './follow-push.ts'
import { beginSession, holdingLocks } from './hold-locks.ts'
import type { DocumentFile } from './read-document.ts'
import { anyAborted } from './stop.ts'

export interface PushPlan {
  readonly document: DocumentFile
  readonly to: string
  readonly together: boolean
  readonly atOnce: number
  /** For everything: lock, turn, standstill, devices. */
  readonly waitMs: number
  readonly stop: AbortSignal
  readonly note: (text: string) => void
}

export interface PushResult {
  readonly id: string
  readonly ok: boolean
  readonly devices: readonly {
    readonly device: string
    readonly outcome: string
    readonly code: string | null
    readonly version: number | null
    readonly detail: string
  }[]
}

export type PushState = ReplyOf<'push'>
type Ended = Pick<PushState, 'state' | 'why' | 'devices'>
type Build = (session: number, seq: number) => Extract<WireRequest, { op: 'push' }>

const TURN_EVERY_MS = 1000

/** Pushes a document and waits for every device's outcome. Throws LK-1016 when the lease of a push together is lost. */
export async function runPush(fleet: FleetAccess, plan: PushPlan): Promise<PushResult> {
  const limit = new AbortController()
  const timer = fleet.clock.after(plan.waitMs, () => limit.abort('the time of --wait'))
  const bounded = { ...plan, stop: AbortSignal.any([plan.stop, limit.signal]) }
  try {
    const id = makeId(fleet.random)
    const scope = await resolveTarget(fleet, plan.to)
    const state = await (plan.together ? together : rolling)(fleet, bounded, { id, scope })
    return resultOf(id, state)
  } finally {
    timer.cancel()
  }
}

/** A path as it is; a device's name becomes its path. A path that somebody lives at or below wins over a name. */
async function resolveTarget(fleet: FleetAccess, to: string): Promise<string> {
  if (to === WHOLE_FLEET || to.includes('/')) return to
  const paths = readStatus(await fleet.query('status')).devices.map(({ device }) => device)
  if (paths.some((path) => covers(to, path))) return to
  return paths.find((path) => deviceName(path) === to) ?? to
}

interface Target {
  readonly id: string
  readonly scope: string
}

function requestOf(plan: PushPlan, { id, scope }: Target, under: LockFence | null): Build {
  const { parsed, text, digest } = plan.document
  const { resource, version } = parsed
  const common = { op: 'push', id, resource, version, document: text, digest, scope } as const
  return (session, seq) => ({ ...common, session, seq, under, atOnce: plan.atOnce })
}

async function rolling(fleet: FleetAccess, plan: PushPlan, target: Target): Promise<PushState> {
  const session = await beginSession(fleet, 'push', plan.note)
  try {
    const build = requestOf(plan, target, null)
    const first = await inTurn(fleet, session, plan, build)
    return await followPush(fleet, {
      session,
      build,
      first,
      ends: [plan.stop],
      note: plan.note
    })
  } catch (error) {
    if (!plan.stop.aborted || isUnderWay(error)) throw error
    throw new LocksmithError(
      'LK-3011',
      `${plan.stop.reason} ended the waiting; push ${target.id} goes on without this command if it had begun`,
      `Wait for its devices, or take it back: locksmith withdraw ${target.id} --reason TEXT`
    )
  } finally {
    await session.close()
  }
}

/** Another push was in the way to the end: this one was never accepted, so there is nothing of it to take back. */
const isUnderWay = (error: unknown): error is LocksmithError =>
  error instanceof LocksmithError && error.code === 'LK-3001'

/** Another push of the resource has to end first. */
async function inTurn(
  fleet: FleetAccess,
  session: FleetSession,
  plan: PushPlan,
  build: Build
): Promise<PushState> {
  let told = false
  for (;;) {
    try {
      return await session.request(build, 'push', { timeoutMs: fleet.timeoutMs })
    } catch (error) {
      if (!isUnderWay(error)) throw error
      if (!told) plan.note(`waiting: ${error.message}`)
      told = true
      await napUnless(fleet, plan.stop, error)
    }
  }
}

async function napUnless(fleet: FleetAccess, stop: AbortSignal, error: Error): Promise<void> {
  const due = new AbortController()
  const timer = fleet.clock.after(TURN_EVERY_MS, () => due.abort())
  const ended = await anyAborted(stop, due.signal)
  timer.cancel()
  if (ended === stop) throw error
}

async function together(fleet: FleetAccess, plan: PushPlan, target: Target): Promise<PushState> {
  const { resource, version } = plan.document.parsed
  const lock = `${target.scope}:${resource}`
  const hold = {
    kind: 'push',
    locks: [lock],
    reason: `push of ${resource} version ${version}`,
    wait: true,
    waitMs: undefined,
    standstill: false,
    stop: plan.stop,
    note: plan.note
  } as const
  return holdingLocks(fleet, hold, async ({ session, grant }) => {
    plan.note(`${lock} is held under fence ${grant.fence(lock)}; waiting until everybody stands still`)
    grant.setPhase('waiting-for-standstill')
    return underGrant(fleet, { session, grant, plan, target })
  })
}

interface Under {
  readonly session: FleetSession
  readonly grant: Grant
  readonly plan: PushPlan
  readonly target: Target
}

/**
 * Until the last outcome. When the grant is lost, or the push given up, updates may still be under way on devices, so nobody
 * may be told that this owner has stopped: the line is cut, and the lease has to run out.
 */
async function underGrant(fleet: FleetAccess, { session, grant, plan, target }: Under): Promise<PushState> {
  const build = requestOf(plan, target, grant.locks[0] ?? null)
  try {
    const first = await Promise.race([
      session.request(build, 'push', { timeoutMs: fleet.timeoutMs, under: grant }),
      rejection(grant.lost)
    ])
    const state = await followPush(fleet, {
      session,
      build,
      first,
      ends: [grant.lost, plan.stop],
      note: plan.note,
      under: grant,
      progress: (devices) => grant.setPhase(phaseOf(devices))
    })
    if (state.state === 'withdrawn' && grant.leftMs() <= 0)
      throw new LocksmithError('LK-1016', `the push was withdrawn: ${state.why}`)
    return state
  } catch (error) {
    const lost = grant.leftMs() <= 0
    if (lost || plan.stop.aborted) await fleet.connection.close()
    if (lost) throw grant.lost.reason
    if (!plan.stop.aborted) throw error
    throw new LocksmithError(
      'LK-3008',
      `${plan.stop.reason} ended it; the lock comes free when its lease has run out, because updates may be under way`
    )
  }
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

function phaseOf(devices: readonly WirePushDevice[]): string {
  const begun = devices.some(({ state }) => state !== 'waiting' && state !== 'unreachable')
  const done = devices.filter(({ state }) => state !== 'waiting' && state !== 'sent').length
  return begun ? `applying ${done}/${devices.length}` : 'waiting-for-standstill'
}

/** A device that was handed the update of a push that was withdrawn is waited for no longer; rolling, Locksmith says so itself. */
export function resultOf(id: string, { state, why, devices }: Ended): PushResult {
  const left = { outcome: 'unreachable', code: 'LK-3008', version: null, detail: why }
  return {
    id,
    ok: devices.every((device) => device.state === 'applied'),
    devices: devices.map(({ device, ...said }) =>
      state === 'withdrawn' && said.state === 'sent'
        ? { device, ...left }
        : { device, outcome: said.state, code: said.code, version: said.version, detail: said.detail }
    )
  }
}
