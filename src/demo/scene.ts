import { formatDuration } from '../protocol/duration.ts'
import { deviceName } from '../rules/scope.ts'
import type { DemoEvent } from './events.ts'
import type { DevicePicture, LockPicture, Picture } from './picture.ts'
import type { Answer, WatchedDevice, WatchedLock } from './watch.ts'

/** A device's agent as the demo knows its process. */
export interface AgentProcess {
  readonly device: string
  readonly config: string
  readonly pid: number
  readonly running: boolean
  /** Held by the kernel (SIGSTOP). */
  readonly stopped: boolean
  /** `performance.now()` of its end; undefined while it runs. */
  readonly endedAtMs: number | undefined
  readonly axis: { readonly position: number; readonly moving: boolean } | undefined
}

/** Everything that the picture of one moment is made of. */
export interface Scene {
  readonly nowMs: number
  readonly broker: string
  readonly folder: string
  readonly locksmith: { readonly running: boolean; readonly config: string }
  readonly agents: readonly AgentProcess[]
  readonly answer: Answer | undefined
  readonly events: readonly DemoEvent[]
}

/** An answer that is older than this is called old. */
const OLD_MS = 3000

/** The names of the devices whose agent was ended and has not been heard of since; and of those that somebody else started again. */
export function agentsGone(scene: Pick<Scene, 'agents' | 'answer'>): { gone: string[]; elsewhere: string[] } {
  const ended = scene.agents.filter((agent) => !agent.running)
  const [elsewhere, gone] = [true, false].map((back) =>
    ended.filter((agent) => isBack(agent, scene.answer) === back).map(({ device }) => deviceName(device))
  )
  return { gone: gone ?? [], elsewhere: elsewhere ?? [] }
}

/** Heard of after its process had ended: another one speaks for the device. */
function isBack(agent: AgentProcess, answer: Answer | undefined): boolean {
  const row = answer?.devices.find(({ device }) => device === agent.device)
  if (answer === undefined || row?.lastHeardMs == null || agent.endedAtMs === undefined) return false
  return row.online && answer.atMs - row.lastHeardMs > agent.endedAtMs
}

export function pictureOf(scene: Scene): Picture {
  const { answer, agents, nowMs, broker, folder, events } = scene
  const { gone } = agentsGone(scene)
  const elapsedMs = answer === undefined ? 0 : nowMs - answer.atMs
  return {
    broker,
    folder,
    node7: agents.find(({ device, running }) => running && deviceName(device) === 'node-7')?.pid,
    trouble: [...locksmithTrouble(scene), ...agentTrouble(scene)],
    devices: agents.map((agent) =>
      deviceAt(
        agent,
        answer?.devices.find(({ device }) => device === agent.device),
        { gone, elapsedMs }
      )
    ),
    locks: (answer?.locks ?? [])
      .filter(({ state }) => state !== 'free')
      .map((lock) => lockAt(lock, elapsedMs)),
    events
  }
}

function deviceAt(
  agent: AgentProcess,
  row: WatchedDevice | undefined,
  { gone, elapsedMs }: { readonly gone: readonly string[]; readonly elapsedMs: number }
): DevicePicture {
  const { device, axis } = agent
  const state = stateOf(agent, row, gone)
  if (state !== 'silent') return { device, axis, state, holds: row?.holds ?? [], silentMs: undefined }
  const silentMs = row?.lastHeardMs == null ? undefined : row.lastHeardMs + elapsedMs
  return { device, axis, state, holds: [], silentMs }
}

function stateOf(agent: AgentProcess, row: WatchedDevice | undefined, gone: readonly string[]): string {
  if (gone.includes(deviceName(agent.device))) return 'silent'
  if (agent.running && agent.stopped) return 'stopped'
  if (row === undefined) return 'starting'
  return row.online ? row.state : 'silent'
}

/** Ages grow and times left shrink between two answers. */
function lockAt(lock: WatchedLock, elapsedMs: number): LockPicture {
  const left = (ms: number): number => Math.max(0, ms - elapsedMs)
  const inMs = lock.freedBy?.inMs ?? null
  return {
    lock: lock.lock,
    state: lock.state,
    fence: lock.fence,
    owner: lock.owner?.name ?? 'nobody',
    doing: [lock.reason, lock.phase].filter(Boolean).join(', '),
    heldMs: lock.heldMs + elapsedMs,
    leaseLeftMs: left(lock.leaseLeftMs),
    waiters: lock.waiters.map(({ name, waitedMs }) => ({ name, waitedMs: waitedMs + elapsedMs })),
    freedBy: lock.freedBy === null ? null : { ...lock.freedBy, inMs: inMs === null ? null : left(inMs) }
  }
}

/** In two lines, so that they fit a narrow terminal and can be pasted as they are. */
const command = (verb: string, config: string): string[] => [
  `  npm run --silent locksmith -- ${verb} --config \\`,
  config
]

function locksmithTrouble({ locksmith, answer, nowMs }: Scene): string[] {
  const ageMs = answer === undefined ? undefined : nowMs - answer.atMs
  if (ageMs !== undefined && ageMs <= OLD_MS) return []
  const said = ageMs === undefined ? '' : `; shown is what it said ${formatDuration(ageMs)} ago`
  if (locksmith.running) return ageMs === undefined ? [] : [`Locksmith does not answer${said}`]
  return [`Locksmith ended${said}. Start it again:`, ...command('serve', locksmith.config)]
}

function agentTrouble(scene: Scene): string[] {
  const { gone, elsewhere } = agentsGone(scene)
  const first = scene.agents.find(({ device }) => deviceName(device) === gone[0])
  const start =
    first === undefined
      ? []
      : [`Without an agent: ${gone.join(', ')}. Start it again:`, ...command('agent', first.config)]
  const yours = elsewhere.map((name) => `${name} has an agent that is not the demo's: end it where it runs`)
  return [...start, ...yours]
}
