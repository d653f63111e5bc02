import { createHash } from 'node:crypto'
import { openFleetConnection, openSession } from '../client/index.ts'
import { systemClock } from '../platform/clock.ts'
import { connectBroker } from '../platform/mqtt-connection.ts'
import type { LocksmithError } from '../protocol/errors.ts'
import type { Update } from '../protocol/messages.ts'
import type { Child } from './children.ts'
import { aimDocument } from './layout.ts'
import { playOldFence } from './old-fence.ts'
import { must, SENSITIVITY, type Stage } from './stage.ts'

/** The heart of the story: node-7 holds `*:aim` for an update of everybody, and dies or is stopped in the middle. */

const ORCHESTRATOR = 'node-7'
const WIDE = '*:aim'

export interface HalfDone {
  readonly push: Child
  readonly fence: number
  readonly old: number
  readonly fresh: number
  /** Devices that have the new configuration. */
  readonly done: readonly string[]
}

/** Begins an update together and returns when half of the devices have it. */
export async function beginTogether(
  stage: Stage,
  update: { version: number; old: number; fresh: number }
): Promise<HalfDone> {
  const { version, old, fresh } = update
  const file = stage.document(version, fresh)
  const begun = Date.now()
  const push = stage.begin(['push', file, '--to', '*', '--together', '--as', ORCHESTRATOR])
  const half = stage.names.length / 2
  await stage.until('half of the devices have the update', 30_000, () => {
    if (!push.running) must(false, `the push ended early: ${push.lines.at(-1)?.text}`)
    return stage.having(fresh).length >= half
  })
  const firstAt = Math.min(
    ...stage.traces.map(
      (trace) =>
        trace.find(begun, (line) => line.params[SENSITIVITY] === fresh)?.atMs ?? Number.POSITIVE_INFINITY
    )
  )
  const notStanding = stage.traces.filter((trace) => !stage.standing(trace.at(firstAt)))
  must(
    notStanding.length === 0,
    `at the first commit these did not stand: ${notStanding.map((trace) => trace.name).join(', ')}`
  )
  const fence = (await stage.lock(WIDE))?.fence ?? 0
  must(fence > 0, `${WIDE} is not held`)
  return { push, fence, old, fresh, done: stage.having(fresh) }
}

/** Everybody but node-7 moves again, and every device has wholly the old or wholly the new configuration. */
export async function othersResume(stage: Stage, half: HalfDone, withinMs: number): Promise<string> {
  const others = stage.names.filter((name) => name !== ORCHESTRATOR)
  await stage.untilMoving(others, withinMs)
  for (const name of others) {
    must(stage.isWhole(name), `${name}: file and controller differ, or something is staged or unverified`)
    const value = stage.fleet.trace(name).last?.params[SENSITIVITY]
    must(
      value === half.old || value === half.fresh,
      `${name} has neither the old nor the new configuration: ${value}`
    )
  }
  const fresh = stage.having(half.fresh).filter((name) => name !== ORCHESTRATOR)
  must(fresh.length < others.length, 'every device has the new configuration: the push was not interrupted')
  return `${fresh.length} of ${others.length} others have the new configuration, the rest wholly the old`
}

/** (c) Killed, while an operator waits. */
export async function killOrchestrator(
  stage: Stage,
  half: HalfDone
): Promise<{ operator: Child; killedAt: number; detail: string }> {
  // Its process needs longer to start than node-7 to die.
  const operator = stage.begin([
    'lock',
    WIDE,
    '--wait',
    '60s',
    '--for',
    '1s',
    '--as',
    'operator',
    '--reason',
    'what is going on?'
  ])
  half.push.signal('SIGKILL')
  stage.fleet.agent(ORCHESTRATOR).signal('SIGKILL')
  const killedAt = performance.now()
  await Promise.all([half.push.ended, stage.fleet.agent(ORCHESTRATOR).ended])
  const hot = await stage.until('HOT in the log of Locksmith', 10_000, () =>
    stage.fleet.locksmith.lines.find(
      (line) => line.json?.event === 'HOT' && line.json.wantedBy === 'operator'
    )
  )
  must(
    hot.json?.owner === ORCHESTRATOR && String(hot.json.msg).startsWith('HOT'),
    `a strange HOT line: ${hot.text}`
  )
  const why = await stage.run(['why', WIDE])
  const chain = (why.json.chain ?? []) as { owner?: string; why?: string; freedBy?: { what: string } }[]
  must(
    why.ended.code === 0 && chain[0]?.owner === ORCHESTRATOR,
    `why does not name node-7: ${JSON.stringify(why.json)}`
  )
  return { operator, killedAt, detail: `why: ${chain[0]?.why ?? ''}` }
}

/** (d) Reclaimed in bounded time: the operator gets the lock. */
export async function reclaimed(
  stage: Stage,
  killed: { operator: Child; killedAt: number }
): Promise<string> {
  const bound = stage.ttlMs + stage.lockDelayMs + 1000
  const granted = await stage.until('the operator is granted', bound + 1000, () =>
    killed.operator.lines.find((line) => line.json?.fence !== undefined)
  )
  const tookMs = Math.round(performance.now() - killed.killedAt)
  must(tookMs <= bound, `the ghost's lock was free after ${tookMs} ms; the bound is ${bound} ms`)
  const { ended } = await stage.finish(killed.operator, 20_000)
  must(ended.code === 0, `the operator's lock ended with ${ended.code}`)
  return `granted ${tookMs} ms after the kill (bound ${bound}), fence ${granted.json?.fence}`
}

export async function reviveNode7(stage: Stage): Promise<void> {
  stage.fleet.startAgent(ORCHESTRATOR)
  await stage.untilMoving([ORCHESTRATOR], 20_000)
  must(stage.isWhole(ORCHESTRATOR), 'node-7 came back with file and controller differing')
}

/** (e) Stopped, reclaimed, woken: it notices by itself. */
export async function stopAndWake(stage: Stage, half: HalfDone): Promise<string> {
  const agent = stage.fleet.agent(ORCHESTRATOR)
  half.push.signal('SIGSTOP')
  agent.signal('SIGSTOP')
  await stage.until(
    'push and agent are stopped',
    2000,
    () => half.push.state() === 'T' && agent.state() === 'T'
  )
  await stage.untilFree(WIDE, stage.ttlMs + stage.lockDelayMs + 2000)
  const others = await othersResume(stage, half, 20_000)
  const wokenAt = Date.now()
  half.push.signal('SIGCONT')
  agent.signal('SIGCONT')
  const { ended } = await stage.finish(half.push, 15_000)
  must(ended.code === 124, `the woken push ended with ${ended.code ?? ended.signal}, not 124`)
  const late = stage.overheard.filter(
    ({ atMs, topic, body }) =>
      atMs > wokenAt && topic === stage.spy.topics.request(ORCHESTRATOR) && body.op === 'push'
  )
  must(late.length === 0, `the woken push sent ${late.length} more messages of its push`)
  await stage.untilMoving([ORCHESTRATOR], 20_000)
  return `woken, it ended with 124 by itself; ${others}`
}

/** (e) A ghost that does not look: its old fence is refused by Locksmith, by the agent, and by the firmware. */
export async function ghostIsRefused(
  stage: Stage,
  half: HalfDone,
  victim: string,
  version: number
): Promise<string> {
  const { fleet } = stage
  const before = fleet.trace(victim).last?.params[SENSITIVITY]
  const update = ghostUpdate(half, version)

  const refusedBy = await pushUnderOldFence(stage, update)
  must(refusedBy === 'LK-1011', `Locksmith answered ${refusedBy} to the old fence, not LK-1011`)

  stage.spy.publish(stage.spy.topics.update(victim, 'aim'), update, { qos: 1 })
  const answer = await stage.until(`${victim} answers the ghost's update`, 10_000, () =>
    stage.overheard.find(
      ({ topic, body }) =>
        topic === stage.spy.topics.request(victim) && body.op === 'outcome' && body.push === update.push
    )
  )
  const { outcome, code } = answer.body
  must(
    outcome === 'refused' && code === 'LK-1011',
    `${victim} answered ${outcome} ${code} to the ghost's update`
  )

  const serial = await playOldFence(stage, victim, half.fence)
  must(fleet.trace(victim).last?.params[SENSITIVITY] === before, `${victim} has changed under an old fence`)
  return `fence ${half.fence}: Locksmith ${refusedBy}, agent ${code}, firmware ${serial}`
}

/** What a ghost would send: a good document of a newer version, under the fence that it once had. */
function ghostUpdate(half: HalfDone, version: number): Update {
  const document = aimDocument(version, half.fresh)
  const digest = createHash('sha256').update(document).digest('hex')
  const under = { lock: WIDE, fence: half.fence }
  return { push: 'ghost-update', resource: 'aim', version, document, digest, by: ORCHESTRATOR, under }
}

async function pushUnderOldFence(stage: Stage, update: Update): Promise<string> {
  const clock = systemClock({ keepAlive: true })
  const connection = openFleetConnection({
    connect: connectBroker(stage.fleet.url),
    clock,
    fleet: 'default',
    principal: ORCHESTRATOR,
    clientId: 'demo-ghost'
  })
  const session = openSession({
    kind: 'push',
    device: null,
    boot: 'ghost',
    connection,
    clock,
    random: Math.random
  })
  try {
    await session.contact(10_000)
    const { resource, version, document, digest, under } = update
    const common = { resource, version, document, digest, scope: '*', under, atOnce: 1 }
    await session.request(
      (number, seq) => ({ op: 'push', id: 'ghost-push', session: number, seq, ...common }),
      'push'
    )
    return 'accepted'
  } catch (error) {
    return (error as LocksmithError).code ?? String(error)
  } finally {
    await session.close()
    await connection.close()
  }
}
