import type { DemoFleet } from './fleet.ts'
import { must, SENSITIVITY, Stage, StoryError } from './stage.ts'
import { discardsStage, killedAtEachStep, operatorClears, startCheckReclaims } from './story-agents.ts'
import {
  beginTogether,
  ghostIsRefused,
  type HalfDone,
  killOrchestrator,
  othersResume,
  reclaimed,
  reviveNode7,
  stopAndWake
} from './story-ghost.ts'

export interface StepResult {
  readonly name: string
  readonly expected: string
  readonly ok: boolean
  readonly ms: number
  readonly detail: string
}

export interface StoryOptions {
  readonly fleet: DemoFleet
  readonly ttlMs: number
  readonly lockDelayMs: number
  readonly onStep: (result: StepResult) => void
  readonly stop: AbortSignal
}

type Act = readonly [name: string, expected: string, act: () => Promise<string>]

/** Plays the story; the first step that does not happen ends it. */
export async function playStory(options: StoryOptions): Promise<StepResult[]> {
  const stage = new Stage(options.fleet, options)
  const results: StepResult[] = []
  try {
    for (const [name, expected, act] of acts(stage)) {
      const begun = performance.now()
      const result = await Promise.race([perform(act), stopped(options.stop)])
      const step = { name, expected, ms: Math.round(performance.now() - begun), ...result }
      results.push(step)
      options.onStep(step)
      if (!step.ok) break
    }
  } finally {
    await stage.close()
  }
  return results
}

async function perform(act: () => Promise<string>): Promise<{ ok: boolean; detail: string }> {
  try {
    return { ok: true, detail: await act() }
  } catch (error) {
    const detail = error instanceof StoryError ? error.message : String((error as Error).stack ?? error)
    return { ok: false, detail }
  }
}

const stopped = (stop: AbortSignal): Promise<{ ok: boolean; detail: string }> =>
  new Promise((resolve) => {
    const answer = { ok: false, detail: 'stopped by the user' }
    if (stop.aborted) resolve(answer)
    stop.addEventListener('abort', () => resolve(answer), { once: true })
  })

/** One after another; the sensitivity tells the versions apart in the controllers' own traces. */
function acts(stage: Stage): Act[] {
  let half: HalfDone | undefined
  let killed: Awaited<ReturnType<typeof killOrchestrator>> | undefined
  const halfDone = (): HalfDone => half as HalfDone
  return [
    ['start', 'eight devices patrol', () => patrol(stage)],
    ['a rolling update', 'all eight applied, each standing while it changed', () => rolling(stage)],
    [
      'b update together',
      'all stand, half are done',
      async () => {
        half = await beginTogether(stage, { version: 19, old: 0.6, fresh: 0.7 })
        return `fence ${half.fence}; done: ${half.done.join(', ')}`
      }
    ],
    [
      'c node-7 is killed',
      'HOT is logged, why names node-7',
      async () => {
        killed = await killOrchestrator(stage, halfDone())
        return killed.detail
      }
    ],
    [
      'd the ghost is reclaimed',
      'in bounded time; the others resume, each wholly old or new',
      async () => {
        const granted = await reclaimed(stage, killed as NonNullable<typeof killed>)
        const others = await othersResume(stage, halfDone(), 20_000)
        await reviveNode7(stage)
        return `${granted}; ${others}`
      }
    ],
    [
      'e SIGSTOP instead, then SIGCONT',
      'node-7 notices by itself and ends with 124',
      async () => {
        await stage.run(['push', stage.document(20, 0.6), '--to', '*'], 60_000)
        half = await beginTogether(stage, { version: 21, old: 0.6, fresh: 0.75 })
        return stopAndWake(stage, half)
      }
    ],
    [
      'e a ghost that does not look',
      'refused by Locksmith, by the agent, by the firmware',
      () => ghostIsRefused(stage, halfDone(), 'drone-4', 22)
    ],
    [
      'f stopped between stage and commit',
      'the controller has discarded the stage',
      () => discardsStage(stage, 'arm-1', { version: 23, fresh: 0.55 })
    ],
    [
      'g Locksmith is killed',
      'its start check reclaims the ghost in its store',
      () => startCheckReclaims(stage)
    ],
    [
      'h an operator clears a held lock',
      'its holder is told; the devices resume',
      () => operatorClears(stage)
    ],
    [
      'i killed after each step',
      'one defined state each time',
      () => killedAtEachStep(stage, { version: 30, fresh: 0.4 })
    ],
    ['all through', 'nothing moved while staged or unverified', () => nothingMovedWrongly(stage)]
  ]
}

async function patrol(stage: Stage): Promise<string> {
  await stage.untilMoving(stage.names, 30_000)
  return `${stage.names.length} axes move, by their own traces`
}

async function rolling(stage: Stage): Promise<string> {
  const begun = Date.now()
  const { ended, json } = await stage.run(['push', stage.document(18, 0.6), '--to', '*'], 60_000)
  const devices = (json.devices ?? []) as { outcome: string }[]
  must(ended.code === 0 && json.ok === true, `push ended with ${ended.code}: ${JSON.stringify(json)}`)
  must(
    devices.length === stage.names.length && devices.every((one) => one.outcome === 'applied'),
    JSON.stringify(json)
  )
  for (const trace of stage.traces) {
    const changed = trace.find(begun, (line) => line.params[SENSITIVITY] === 0.6)
    must(changed !== undefined, `${trace.name}: its controller never had the new value`)
    must(stage.standing(changed), `${trace.name} did not stand when it changed`)
  }
  await stage.untilMoving(stage.names, 15_000)
  for (const name of stage.names) {
    must(stage.isWhole(name), `${name}: file and controller differ`)
    must(
      /^# last touched by \S+ at \S+, version 18, fence \d+$/.test(stage.onDisk(name)?.firstLine ?? ''),
      `${name}: bad first line`
    )
  }
  return `${devices.length} applied, version 18`
}

async function nothingMovedWrongly(stage: Stage): Promise<string> {
  const wrong = stage.traces.filter((trace) => trace.violations.length > 0)
  must(
    wrong.length === 0,
    wrong.map((trace) => `${trace.name}: ${JSON.stringify(trace.violations[0])}`).join('; ')
  )
  return `${stage.traces.reduce((sum, trace) => sum + trace.lines, 0)} lines of eight traces`
}
