import type { AgentOutcome, Fleet, LockFence, Push, PushDevice, Session } from './fleet.ts'
import { agentsBelow, blockerOf, free, lockOf, updatesOut } from './lock.ts'
import { patienceEnds, patienceMs, watch } from './patience.ts'
import { hasLease, serveQueue } from './queue.ts'
import type { Refusal } from './refusals.ts'
import { isRefusal, speaker } from './request.ts'
import { covers, deviceName, overlap, parseLock } from './scope.ts'

/**
 * One document on its way to every device below a scope. Rolling: each device locks itself. Together: the pusher holds one
 * wide lock, nothing is sent before every device in contact has proved that it stands, and nothing is sent once the grant ends.
 */
export interface PushInput {
  readonly from: string
  readonly session: number
  readonly seq: number
  readonly id: string
  readonly resource: string
  readonly version: number
  readonly document: string
  readonly digest: string
  readonly scope: string
  readonly under: LockFence | null
  readonly atOnce: number
}

export function startPush(fleet: Fleet, input: PushInput, now: number): void {
  const { from, session, seq, id } = input
  const refuse = (refusal: Refusal): void =>
    fleet.reply(from, { op: 'refused', session, seq, request: id, refusal })
  const speaking = speaker(fleet, from, session)
  if (isRefusal(speaking)) return refuse(speaking)
  const known = fleet.pushes.get(id)
  if (known !== undefined) {
    if (known.by !== from) return refuse({ why: 'request-of-another', owner: known.by })
    goOn(fleet, known, now)
    return fleet.reply(from, { op: 'push', id, session, seq, push: fleet.pushes.get(id) as Push })
  }
  const refusal = pushRefusal(fleet, input, now)
  if (refusal !== undefined) return refuse(refusal)
  const devices = agentsBelow(fleet, input.scope)
    .map((agent) => agent.device ?? '')
    .sort()
    .map((device): PushDevice => ({ device, state: 'waiting', code: null, detail: '', version: null }))
  if (devices.length === 0) return refuse({ why: 'no-devices', scope: input.scope })
  const { resource, version, document, digest, scope, under, atOnce } = input
  const common = { id, resource, version, document, digest, scope, by: from, session, under, atOnce, devices }
  fleet.pushes.put(id, { ...common, state: 'open', why: '', startedAt: now, endedAt: 0 })
  const detail = { push: id, resource, version, scope, under, devices: devices.length }
  fleet.effect({ do: 'audit', entry: { what: 'push', by: from, detail } })
  advancePushes(fleet, now)
  goOn(fleet, fleet.pushes.get(id) as Push, now)
  fleet.reply(from, { op: 'push', id, session, seq, push: fleet.pushes.get(id) as Push })
}

/**
 * A push together is driven by its pusher: each repetition of its request is the word for the next updates. So a pusher that
 * died or was stopped sends nothing more, however much of its lease is left.
 */
function goOn(fleet: Fleet, push: Push, now: number): void {
  if (push.state === 'open' && push.under !== null && allStand(fleet, push, push.under, now))
    sendNext(fleet, push, now)
}

function pushRefusal(fleet: Fleet, input: PushInput, now: number): Refusal | undefined {
  const { under } = input
  if (under !== null) {
    const path = parseLock(under.lock)
    if (path === undefined) return { why: 'bad-lock-name', lock: under.lock }
    const lock = lockOf(fleet, under.lock)
    const holder = lock.state === 'free' ? null : blockerOf(fleet, lock, now)
    if (under.fence < lock.floor)
      return { why: 'old-fence', lock: lock.name, fence: under.fence, floor: lock.floor, holder }
    if (!isHeldUnder(fleet, under) || lock.owner?.session !== input.session) {
      return { why: 'lock-not-held', lock: under.lock, fence: under.fence, holder }
    }
    if (path.resource !== input.resource || !covers(path.scope, input.scope)) {
      return { why: 'lock-does-not-cover', lock: under.lock, scope: `${input.scope}:${input.resource}` }
    }
  }
  for (const push of fleet.openPushes) {
    if (push.resource === input.resource && overlap(push.scope, input.scope)) {
      const { id, scope, by, startedAt } = push
      const sinceMs = startedAt === undefined ? null : Math.round(now - startedAt)
      const awaits = push.devices.filter(isPending).map(({ device }) => device)
      return { why: 'push-under-way', push: id, scope, by, sinceMs, awaits }
    }
  }
  return undefined
}

function isHeldUnder(fleet: Fleet, under: LockFence): boolean {
  const lock = lockOf(fleet, under.lock)
  return lock.state === 'held' && lock.fence === under.fence
}

export interface OutcomeInput {
  readonly from: string
  readonly session: number
  readonly seq: number
  readonly push: string
  readonly outcome: AgentOutcome
  readonly code: string | null
  readonly detail: string
  readonly version: number | null
}

/** A device tells what became of the update that it was handed. */
export function takeOutcome(fleet: Fleet, input: OutcomeInput, now: number): void {
  const { from, session, seq } = input
  const speaking = speaker(fleet, from, session)
  const refuse = (refusal: Refusal): void =>
    fleet.reply(from, { op: 'refused', session, seq, request: input.push, refusal })
  if (isRefusal(speaking)) return refuse(speaking)
  const push = fleet.pushes.get(input.push)
  const device = push?.devices.find((one) => deviceName(one.device) === from)
  if (push === undefined || device === undefined) return refuse({ why: 'push-unknown', push: input.push })
  if (isPending(device) || device.state === 'unreachable') {
    const { outcome: state, code, detail, version } = input
    if (push.state !== 'open' || device.state === 'unreachable')
      fleet.log('info', 'late-answer', { push: push.id, device: device.device, outcome: state, code })
    settle(fleet, push, [{ device: device.device, state, code, detail, version }])
    advancePushes(fleet, now)
    freeIfAnswered(fleet, push, now)
  }
  fleet.reply(from, { op: 'noted', session, seq })
}

/** The last answer to a pusher that had given its lock back too early. */
function freeIfAnswered(fleet: Fleet, { under }: Push, now: number): void {
  if (under === null) return
  const lock = lockOf(fleet, under.lock)
  if (lock.fence !== under.fence || lock.orphan?.cause !== 'updates-out' || updatesOut(fleet, lock)) return
  free(fleet, lock, 'released', now)
  serveQueue(fleet, now)
}

/** Records the last word on some devices. While the push is open their retained updates are its own, and go. */
function settle(fleet: Fleet, push: Push, settled: readonly PushDevice[]): Push {
  const byPath = new Map(settled.map((one) => [one.device, one]))
  const devices = push.devices.map((before) => {
    const after = byPath.get(before.device)
    if (after !== undefined && push.state === 'open' && before.state === 'sent')
      fleet.effect({ do: 'update', device: before.device, resource: push.resource, push: null })
    return after ?? before
  })
  return putPush(fleet, { ...push, devices })
}

function putPush(fleet: Fleet, push: Push): Push {
  fleet.pushes.put(push.id, push)
  fleet.due.pushes.delete(push.id)
  fleet.reply(push.by, { op: 'push', id: push.id, session: push.session, seq: 0, push })
  return push
}

export const isPending = (device: PushDevice): boolean =>
  device.state === 'waiting' || device.state === 'sent'

export function advancePushes(fleet: Fleet, now: number): void {
  for (const push of fleet.openPushes) {
    if (push.under !== null && !isHeldUnder(fleet, push.under))
      takeBack(fleet, push, 'the lock of the push ended', now)
    else if ((fleet.due.pushes.get(push.id) ?? now) <= now) advanceOne(fleet, push, now)
  }
}

function advanceOne(fleet: Fleet, push: Push, now: number): void {
  const watched = watchAll(fleet, push, now)
  const gone = watched.devices.flatMap((device) => givenUp(fleet, watched, device, now) ?? [])
  let current = gone.length === 0 ? watched : settle(fleet, watched, gone)
  if (current.under === null) current = sendNext(fleet, current, now)
  const pending = current.devices.filter(isPending)
  if (pending.length > 0) {
    const next = Math.min(...pending.map((device) => givenUpAt(fleet, current, device)))
    fleet.due.pushes.set(push.id, next)
    return
  }
  putPush(fleet, { ...current, state: 'done', endedAt: now })
  fleet.log('info', 'push-done', { push: current.id, devices: current.devices.length })
}

const givenUpAt = (fleet: Fleet, push: Push, device: PushDevice): number =>
  Math.min(unreachableAt(fleet, device.device), patienceEnds(fleet, push, device))

/** What is said of a device that is waited for no longer; undefined while it is. */
function givenUp(fleet: Fleet, push: Push, device: PushDevice, now: number): PushDevice | undefined {
  if (!isPending(device)) return undefined
  if (unreachableAt(fleet, device.device) <= now) {
    const detail = 'no contact for two lease times'
    return { ...device, state: 'unreachable', code: 'unreachable', detail }
  }
  if (patienceEnds(fleet, push, device) > now) return undefined
  const silentMs = patienceMs(fleet, push.resource, device.device)
  fleet.log('warn', 'device-silent', { push: push.id, device: device.device, silentMs })
  const detail = `in contact, but neither at work nor answering for ${Math.round(silentMs / 1000)} s`
  return { ...device, state: 'unreachable', code: 'silent', detail }
}

function watchAll(fleet: Fleet, push: Push, now: number): Push {
  const devices = push.devices.map((device) => watch(fleet, push, device, now))
  if (devices.every((device, index) => device === push.devices[index])) return push
  const watched = { ...push, devices }
  fleet.pushes.put(push.id, watched)
  return watched
}

/** No update is sent before every device that it is meant for, and that can be reached, has proved that it stands still. */
function allStand(fleet: Fleet, push: Push, under: LockFence, now: number): boolean {
  return push.devices.every((device) => {
    if (!isPending(device)) return true
    const agent = agentOf(fleet, device.device)
    return agent !== undefined && hasLease(fleet, agent.session, now) && stands(fleet, agent, under)
  })
}

export function stands(fleet: Fleet, agent: Session, under: LockFence): boolean {
  const standing = fleet.contacts.get(String(agent.session))?.standing ?? []
  return standing.some((one) => one.lock === under.lock && one.fence === under.fence)
}

const agentOf = (fleet: Fleet, device: string): Session | undefined =>
  agentsBelow(fleet, device).find((agent) => agent.device === device)

function sendNext(fleet: Fleet, push: Push, now: number): Push {
  let room = push.atOnce - push.devices.filter((device) => device.state === 'sent').length
  const devices = push.devices.map((device): PushDevice => {
    if (device.state !== 'waiting' || room <= 0) return device
    room -= 1
    fleet.effect({ do: 'update', device: device.device, resource: push.resource, push })
    return { ...device, state: 'sent', watched: { since: now, atWork: false } }
  })
  return devices.some((device, index) => device !== push.devices[index])
    ? putPush(fleet, { ...push, devices })
    : push
}

/** Characters: a fleet of thousands says it once for each device. */
const MAX_DETAIL = 100

/**
 * Ends an open push: what was not delivered is not delivered any more, what is retained is taken back. What was sent may still
 * be answered: under a wide lock its devices count as at work, for the lock must not come free before.
 */
export function takeBack(fleet: Fleet, push: Push, why: string, now: number): Push {
  const ended = { code: 'push-withdrawn', detail: why.slice(0, MAX_DETAIL) }
  const devices = push.devices.map((device): PushDevice => {
    if (device.state === 'waiting') return { ...device, ...ended, state: 'refused' }
    if (device.state !== 'sent') return device
    fleet.effect({ do: 'update', device: device.device, resource: push.resource, push: null })
    return push.under === null ? { ...device, ...ended, state: 'unreachable' } : device
  })
  const { lock, fence } = push.under ?? {}
  fleet.log('warn', 'push-withdrawn', { push: push.id, lock, fence, why })
  return putPush(fleet, { ...push, devices, state: 'withdrawn', why, endedAt: now })
}

/** A device is called unreachable only when its last renewal is two lease times old and Locksmith was listening all that time. */
export function unreachableAt(fleet: Fleet, device: string): number {
  const { ttlMs } = fleet.options
  const agent = agentOf(fleet, device)
  // The lease began with the last renewal, or with the hello of a session that is only just coming into contact.
  const leaseUntil = agent && fleet.contacts.get(String(agent.session))?.leaseUntil
  return Math.max((leaseUntil ?? Number.NEGATIVE_INFINITY) + ttlMs, fleet.listeningSince + 2 * ttlMs)
}
