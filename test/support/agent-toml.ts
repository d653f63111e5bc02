import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface AgentPlan {
  readonly folder: string
  readonly broker: string
  readonly port: string
}

/** Writes the configuration of an arm with one native controller at `port` into `folder`; returns its path. */
export function writeAgentToml({ folder, broker, port }: AgentPlan): string {
  const file = join(folder, 'agent.toml')
  const lines = [
    'device = "plant/line-1/arm-1"',
    'kind = "arm"',
    `broker = "${broker}"`,
    `stateDir = "${folder}/state"`,
    `runDir = "${folder}/run"`,
    '[profile]',
    'autoRestart = "an emulated axis"',
    '[[controller]]',
    'name = "axis"',
    'driver = "native"',
    `port = "${port}"`
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  return file
}
