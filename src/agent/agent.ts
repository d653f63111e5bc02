import type { Controller } from '../../firmware-bridge/drivers/controller.ts'
import type { ConnectBroker } from '../platform/broker.ts'
import type { Clock } from '../platform/clock.ts'
import type { Files } from '../platform/durable-file.ts'
import { limitedLog } from '../platform/limited-log.ts'
import type { Log } from '../platform/logger.ts'
import { topicsOf } from '../protocol/topics.ts'
import { restoredBudget } from '../rules/budget.ts'
import type { Step } from '../rules/change.ts'
import { bootInterlock, configHoldId } from '../rules/interlock.ts'
import { deviceName } from '../rules/scope.ts'
import { Allowance } from './allowance.ts'
import type { ChangeDeps } from './change-deps.ts'
import { recoverOpen, retryUnverified, showDoubt } from './conclude.ts'
import type { AgentConfig } from './config.ts'
import { configFiles } from './config-file.ts'
import { FROM_OUTSIDE } from './from-outside.ts'
import { Guard } from './guard.ts'
import { openJournal } from './journal.ts'
import { openKeeper } from './keeper.ts'
import { joinFleet, type Member } from './member.ts'
import { stateOf } from './report.ts'
import { settleStrays } from './stray.ts'
import { versionsOf } from './versions.ts'

export interface AgentOptions {
  readonly config: AgentConfig
  readonly connect: ConnectBroker
  /** One per `[[controller]]`, not yet opened. */
  readonly controllers: readonly Controller[]
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  readonly files: Files
  readonly log: Log
  /** Names the present run of the machine. */
  readonly boot: string
  /** For trials: `halt` is called just after this step is in the journal. */
  readonly haltAt?: Step
  readonly halt?: () => void
  /** How long standstill may take to be proved. */
  readonly standstillMs?: number
  /** How long the start, or a change, waits for controllers that are away. */
  readonly reachableMs?: number
}

export interface Agent {
  /** Resolves when recovery has run and the fleet is being joined. @throws DiskError when the journal cannot be read */
  readonly started: Promise<void>
  readonly guard: Guard
  /** Begins nothing more, lets a change under way end, says that it is offline. The controllers keep their latch. */
  readonly stop: () => Promise<void>
}

const STANDSTILL_MS = 10_000
/** A driver rests 5 s at most between two attempts, and a hello is answered, or given up, within 2.8 s. */
const REACHABLE_MS = 8_000

/** The agent of one device: recovers first, then joins its fleet. */
export function startAgent(options: AgentOptions): Agent {
  const { config, clock, controllers } = options
  const log = limitedLog(options.log, clock, FROM_OUTSIDE)
  const name = deviceName(config.device)
  const journal = openJournal({ files: options.files, path: `${config.stateDir}/journal.jsonl`, log })
  const keeper = openKeeper({ files: options.files, stateDir: config.stateDir, log })
  const identity = { name, device: config.device, autoRestart: config.profile.autoRestart !== undefined }
  let allowance: Allowance | undefined
  let member: Member | undefined
  const stopping = new AbortController()
  const guard = new Guard({
    interlock: bootInterlock(identity, clock.now(), keeper.kept.waivers),
    controllers,
    clock,
    log,
    standstillMs: options.standstillMs ?? STANDSTILL_MS,
    changed: () => {
      member?.changed()
      allowance?.look()
    },
    greeted: () => member?.controllerBack()
  })
  const { pauseBudget, afterBudget } = config.profile
  const now = { now: clock.now(), boot: options.boot }
  const watched = new Allowance({
    ...{ guard, controllers, journal, keeper, clock, log, afterBudget, boot: options.boot },
    budget: restoredBudget(pauseBudget, keeper.kept.budget, now)
  })
  allowance = watched
  const deps: ChangeDeps = {
    name,
    journal,
    configs: configFiles(options.files, config.stateDir, clock),
    guard,
    allowance: watched,
    controllers,
    log,
    authority: (update, signal) => {
      if (member === undefined) throw new Error('a change was begun before the fleet was joined')
      return member.authority(update, signal)
    },
    halt: (step) => {
      if (step === options.haltAt) options.halt?.()
    },
    standstillMs: options.standstillMs ?? STANDSTILL_MS,
    reachableMs: options.reachableMs ?? REACHABLE_MS
  }
  const start = async (): Promise<void> => {
    await recoverAtStart(deps, stopping.signal)
    if (!stopping.signal.aborted) member = join(options, deps)
  }
  const started = start()
  return {
    started,
    guard,
    stop: async () => {
      stopping.abort(new Error('the agent is being stopped'))
      await started.catch(() => undefined)
      await member?.leave()
      watched.close()
      guard.close()
      log.close()
      await Promise.all(controllers.map((controller) => controller.close()))
    }
  }
}

/**
 * Before hello: every hold that the journal knows stands before a controller is spoken to. `stopping` ends the wait for the
 * controllers; what is open in the journal is then left to the next start.
 */
async function recoverAtStart(deps: ChangeDeps, stopping: AbortSignal): Promise<void> {
  const { journal, guard, log } = deps
  const { open, unverified } = journal.state
  if (open !== null) {
    const why = `${open.change.resource}: a change was cut off at ${open.step}`
    guard.raise({ id: configHoldId(open.change.resource), kind: 'config', owner: deps.name, why })
  }
  for (const resource of unverified.keys()) showDoubt(deps, resource)
  guard.open()
  await guard.reachable(deps.reachableMs, stopping).catch((error: Error) => {
    log.warn({ event: 'controller-away', why: error.message }, 'going on without; it is awaited')
  })
  if (stopping.aborted) return
  if (open !== null) await recoverOpen(deps, open)
  for (const resource of unverified.keys()) await retryUnverified(deps, resource, stopping)
  await settleStrays(deps)
  if (open !== null) showDoubt(deps, open.change.resource)
}

function join(options: AgentOptions, deps: ChangeDeps): Member {
  const { config, clock, boot } = options
  const { guard, name, log } = deps
  const topics = topicsOf(config.fleet)
  const versions = versionsOf(deps)
  const sources = { device: config.device, kind: config.kind, boot, guard, versions, clock }
  const farewell = JSON.stringify(stateOf({ ...sources, session: () => undefined }, false))
  return joinFleet({
    ...options,
    log,
    deps,
    sources,
    topics,
    will: { topic: topics.agent(name), payload: farewell, retain: true }
  })
}
