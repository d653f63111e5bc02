import { STEPS } from '../rules/change.ts'
import type { Child } from './children.ts'
import { must, SENSITIVITY, type Stage } from './stage.ts'

/** The parts of the story that happen on single devices and to Locksmith itself. */

async function haltingAgent(stage: Stage, name: string, step: string): Promise<Child> {
  const before = stage.fleet.agent(name)
  before.signal('SIGTERM')
  await before.ended
  const agent = stage.fleet.startAgent(name, ['--halt-at', step])
  await stage.untilMoving([name], 20_000)
  return agent
}

const whenHalted = (stage: Stage, agent: Child, step: string): Promise<boolean> =>
  stage.until(`${agent.name} halts at ${step}`, 30_000, () => agent.state() === 'T')

/** (f) Stopped between stage and commit, reclaimed, woken: the controller has discarded what was staged. */
export async function discardsStage(
  stage: Stage,
  name: string,
  update: { version: number; fresh: number }
): Promise<string> {
  const before = stage.fleet.trace(name).last?.params[SENSITIVITY]
  const begun = Date.now()
  const agent = await haltingAgent(stage, name, 'commit')
  const push = stage.begin(['push', stage.document(update.version, update.fresh), '--to', name])
  await whenHalted(stage, agent, 'commit')
  await stage.until(
    'the trace shows what is staged',
    stage.ttlMs,
    () => stage.fleet.trace(name).find(begun, (line) => line.staged.includes('aim')) !== undefined
  )
  await stage.untilFree(`${stage.fleet.device(name).device}:aim`, stage.ttlMs + stage.lockDelayMs + 2000)
  await stage.until(
    'the controller discards the stage',
    stage.ttlMs,
    () => stage.fleet.trace(name).last?.staged.length === 0
  )
  agent.signal('SIGCONT')
  const { json } = await stage.finish(push, 60_000)
  await stage.untilMoving([name], 20_000)
  const value = stage.fleet.trace(name).last?.params[SENSITIVITY]
  must(stage.isWhole(name), `${name}: file and controller differ after the wake`)
  const outcome = (json.devices as { outcome?: string; code?: string }[] | undefined)?.[0]
  // A rolling update that is still wanted may be taken again under a fresh lock; what was staged under the old one is gone.
  must(
    value === before || outcome?.outcome === 'applied',
    `${name} has ${value}, outcome ${JSON.stringify(outcome)}`
  )
  return `discarded by the controller itself; the push ended with ${outcome?.outcome} ${outcome?.code ?? ''}`
}

/** (g) Locksmith is killed while a ghost's lock is in its store. */
export async function startCheckReclaims(stage: Stage): Promise<string> {
  const name = 'site-1/patrol:safety'
  const holder = stage.begin(['lock', name, '--as', 'ghost', '--reason', 'about to die'])
  await stage.until('the ghost holds its lock', 15_000, () =>
    holder.lines.some((line) => line.json?.fence !== undefined)
  )
  const drones = stage.names.filter((one) => one.startsWith('drone'))
  await stage.untilStanding(drones, 10_000)
  holder.signal('SIGKILL')
  stage.fleet.locksmith.signal('SIGKILL')
  await Promise.all([holder.ended, stage.fleet.locksmith.ended])
  const restartedAt = performance.now()
  const again = stage.fleet.startLocksmith()
  await stage.until('the start check speaks', 15_000, () =>
    again.lines.find(
      (line) =>
        line.json?.event === 'reclaim stale locks on boot' &&
        (line.json.marked as string[] | undefined)?.includes(name)
    )
  )
  const marked = performance.now()
  const bound = stage.ttlMs + stage.lockDelayMs + 1000
  await stage.untilFree(name, bound + 2000)
  const tookMs = Math.round(performance.now() - marked)
  must(tookMs <= bound, `free ${tookMs} ms after the start check; the bound is ${bound} ms`)
  await stage.untilMoving(drones, 20_000)
  return `reclaimed ${tookMs} ms after the start check (bound ${bound}); ${Math.round(marked - restartedAt)} ms to start`
}

/** (h) An operator clears a lock that is held by somebody alive. */
export async function operatorClears(stage: Stage): Promise<string> {
  const name = 'plant-2/line-4:safety'
  const holder = stage.begin(['lock', name, '--as', 'tech', '--reason', 'gone for lunch'])
  await stage.until('the technician holds the lock', 15_000, () =>
    holder.lines.some((line) => line.json?.fence !== undefined)
  )
  const arms = stage.names.filter((one) => one.startsWith('arm'))
  await stage.untilStanding(arms, 10_000)
  const { ended, json } = await stage.run([
    'unlock',
    name,
    '--reason',
    'line 4 has to go on',
    '--yes',
    '--as',
    'operator'
  ])
  must(
    ended.code === 0 && json.outcome === 'cleared',
    `unlock ended with ${ended.code}: ${JSON.stringify(json)}`
  )
  const held = await stage.finish(holder, 20_000)
  must(held.ended.code === 124, `the cleared holder ended with ${held.ended.code}, not 124`)
  await stage.untilFree(name, stage.ttlMs + stage.lockDelayMs + 2000)
  await stage.untilMoving(arms, 20_000)
  return `cleared under fence ${json.fence}; its holder was told and ended with 124`
}

/** (i) Killed after each named step: on one device each, all at once, as far as there are devices. */
export async function killedAtEachStep(
  stage: Stage,
  update: { version: number; fresh: number }
): Promise<string> {
  const ends: string[] = []
  for (let begin = 0; begin < STEPS.length; begin += stage.names.length) {
    const steps = STEPS.slice(begin, begin + stage.names.length)
    const version = update.version + begin
    const fresh = update.fresh - begin / 100
    const round = await Promise.all(
      steps.map((step, index) => killAt(stage, { name: stage.names[index] as string, step, version, fresh }))
    )
    ends.push(...round)
  }
  return ends.join(', ')
}

async function killAt(
  stage: Stage,
  { name, step, version, fresh }: { name: string; step: string; version: number; fresh: number }
): Promise<string> {
  const agent = await haltingAgent(stage, name, step)
  const push = stage.begin(['push', stage.document(version, fresh), '--to', name])
  await whenHalted(stage, agent, step)
  agent.signal('SIGKILL')
  await agent.ended
  const before = stage.fleet.trace(name).lines
  stage.fleet.startAgent(name)
  await stage.finish(push, 60_000)
  await stage.untilMoving([name], 30_000)
  must(stage.fleet.trace(name).lines > before, `${name}: no new trace line`)
  await stage.until(`${name} is whole again after a kill at ${step}`, 10_000, () => stage.isWhole(name))
  const value = stage.fleet.trace(name).last?.params[SENSITIVITY]
  return `${step} → ${value === fresh ? 'new' : 'old'}`
}
