import { EmulatorError } from '../../firmware-bridge/emulator/index.ts'
import { PortUnavailable } from '../platform/embedded-broker.ts'
import { LocksmithError } from '../protocol/errors.ts'
import { whenAbandoned } from './abandoned.ts'
import { DemoFleet, removeFolder } from './fleet.ts'
import type { Palette } from './picture.ts'
import { playStory } from './story.ts'
import { type Usage, usageOf } from './usage.ts'
import { View } from './view.ts'
import { introduction, storyTable } from './words.ts'

export type { FleetIndex } from './fleet.ts'

/** Where results and words go; the command line's output fits. */
export interface DemoOutput {
  readonly json: boolean
  readonly colour: Palette
  print(text: string): void
  data(value: unknown): void
  note(text: string): void
}

export interface DemoOptions {
  /** Play the story without a terminal and end. */
  readonly once: boolean
  readonly port: number | undefined
  /** Leave the folder of logs and traces also when all went well. */
  readonly keep: boolean
  readonly stop: AbortSignal
  readonly out: DemoOutput
}

/** The story runs with shorter times than a fleet would use, and says so; it judges by traces that are read often. */
const STORY = { ttl: '6s', ttlMs: 6000, lockDelay: '2s', lockDelayMs: 2000, traceEveryMs: 25 } as const
const LIVE = { ttl: '15s', lockDelay: '10s', traceEveryMs: 200 } as const
const IDLE_MS = 4000

interface Ending {
  readonly code: number
  /** Whether somebody may still need the folder. */
  readonly folderNeeded: boolean
}

/**
 * Starts the fleet and plays the story, or shows it alive until stopped. Resolves with the exit code. The folder goes with a
 * demo that ended well, and stays after any other.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const { once, out, keep } = options
  const stop = AbortSignal.any([options.stop, whenAbandoned(process.env)])
  const fleet = await startFleet(options)
  let ending: Ending = { code: 1, folderNeeded: true }
  try {
    out.print(introduction(fleet, once ? STORY : LIVE))
    ending = await (once ? playOnce(fleet, { out, stop }) : showLive(fleet, { out, stop }))
    return ending.code
  } finally {
    await fleet.stop()
    const removed = !keep && !ending.folderNeeded && removeFolder(fleet.folder)
    out.note(
      removed
        ? 'Stopped, and its folder is removed (--keep leaves it)'
        : `Stopped. Logs and traces are in ${fleet.folder}`
    )
  }
}

/** @throws LocksmithError LK-6005 (port), LK-6006 (emulated controllers), DiskError */
async function startFleet({ once, port }: DemoOptions): Promise<DemoFleet> {
  try {
    return await DemoFleet.start({ port: port ?? 0, ...(once ? STORY : LIVE) })
  } catch (error) {
    if (error instanceof PortUnavailable)
      throw new LocksmithError('LK-6005', error.message, 'Without --port a free one is taken')
    if (error instanceof EmulatorError)
      throw new LocksmithError('LK-6006', error.message, 'The emulated controllers need /dev/pts')
    throw error
  }
}

async function showLive(fleet: DemoFleet, { out, stop }: Pick<DemoOptions, 'out' | 'stop'>): Promise<Ending> {
  const broken = new AbortController()
  void fleet.boards.ended.then((stderr) => broken.abort(`the emulated controllers ended. ${stderr}`.trim()))
  const view = new View(fleet)
  await view.run({ out, stop: AbortSignal.any([stop, broken.signal]) })
  if (!broken.signal.aborted) return { code: 0, folderNeeded: view.leftRunning.length > 0 }
  out.note(String(broken.signal.reason))
  return { code: 1, folderNeeded: true }
}

async function playOnce(fleet: DemoFleet, { out, stop }: Pick<DemoOptions, 'out' | 'stop'>): Promise<Ending> {
  const steps = await playStory({
    fleet,
    ttlMs: STORY.ttlMs,
    lockDelayMs: STORY.lockDelayMs,
    stop,
    onStep: (step) =>
      out.note(`${step.ok ? 'ok  ' : 'FAIL'} ${step.name} (${(step.ms / 1000).toFixed(1)} s): ${step.detail}`)
  })
  const ok = steps.length > 0 && steps.every((step) => step.ok)
  const idle = ok ? await idleUsage(fleet) : undefined
  out.data({
    ok,
    steps: steps.map(({ name, ok: fine, ms, detail }) => ({ name, ok: fine, ms, detail })),
    ttlMs: STORY.ttlMs,
    idle
  })
  out.print(storyTable(steps, idle, process.stdout.columns || 160))
  return { code: ok ? 0 : 1, folderNeeded: !ok }
}

/** Processor time per second and memory of everything together, with nothing going on but patrols. */
async function idleUsage(fleet: DemoFleet): Promise<Usage> {
  const pids = [process.pid, fleet.boards.pid, ...fleet.children.pids]
  const before = usageOf(pids)
  const begun = performance.now()
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
  const after = usageOf(pids)
  const perSecond = (after.cpuMs - before.cpuMs) / ((performance.now() - begun) / 1000)
  return { cpuMs: Math.round(perSecond), residentMiB: Math.round(after.residentMiB) }
}
