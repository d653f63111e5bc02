import { resolve } from 'node:path'
import { createController } from '../../firmware-bridge/drivers/index.ts'
import { type AgentConfig, loadAgentConfig, startAgent } from '../agent/index.ts'
import { bootId } from '../platform/boot-id.ts'
import { type Clock, systemClock } from '../platform/clock.ts'
import { systemFiles } from '../platform/durable-file.ts'
import { holdInstance } from '../platform/instance-guard.ts'
import { createLogger } from '../platform/logger.ts'
import { connectBroker } from '../platform/mqtt-connection.ts'
import { LocksmithError } from '../protocol/errors.ts'
import type { Step } from '../rules/change.ts'
import { random } from './random.ts'
import { endWithin, keepCompiled, keepSystemdInformed } from './service.ts'
import { anyAborted } from './stop.ts'

export interface AgentRun {
  readonly file: string
  /** What was typed for this run; the file's unless given. */
  readonly broker: string | undefined
  readonly fleet: string | undefined
  readonly haltAt: Step | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stop: AbortSignal
}

/** Runs the agent of one device until it is told to stop. Throws LK-6004 (configuration), LK-4004 (runs already), LK-4005 (disk). */
export async function runAgent(run: AgentRun): Promise<void> {
  const files = systemFiles()
  const config = configOf(run, loadAgentConfig(files, run.file))
  const clock = systemClock({ keepAlive: true })
  const log = createLogger({ name: 'agent' })
  const connect = connectTo(config.broker, run.file)
  const controllers = controllersOf(config, clock)
  // Two of them would fight for journal and controller; another device's folder is another matter.
  const guard = await holdInstance(`agent of ${config.device} in ${resolve(config.stateDir)}`)
  const agent = startAgent({
    config,
    connect,
    controllers,
    clock,
    random,
    files,
    log,
    boot: bootId(),
    ...(run.haltAt === undefined
      ? {}
      : { haltAt: run.haltAt, halt: () => process.kill(process.pid, 'SIGSTOP') })
  })
  const systemd = keepSystemdInformed(run.env)
  try {
    await Promise.race([agent.started, anyAborted(run.stop)])
    await systemd.ready(`${config.device} in fleet ${config.fleet}`)
    keepCompiled()
    await anyAborted(run.stop)
    log.info({ event: 'stopping', why: run.stop.reason }, 'stopping')
    await systemd.stopping('stopping')
  } finally {
    await endWithin(clock, agent.stop(), () =>
      log.warn({ event: 'stop-overdue' }, 'ending although something did not let go in time')
    )
    await guard.release()
  }
}

const configOf = ({ broker, fleet }: AgentRun, file: AgentConfig): AgentConfig => ({
  ...file,
  ...(broker === undefined ? {} : { broker }),
  ...(fleet === undefined ? {} : { fleet })
})

function connectTo(broker: string, file: string) {
  try {
    return connectBroker(broker)
  } catch (error) {
    throw new LocksmithError('LK-6004', `${file}: broker: ${(error as Error).message}`)
  }
}

const controllersOf = (config: AgentConfig, clock: Clock) =>
  config.controller.map((one) =>
    createController({ ...one, onHostSilent: config.profile.onHostSilent }, { timers: clock, random })
  )
