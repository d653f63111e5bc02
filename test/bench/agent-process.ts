import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Process, startNode } from '../support/processes.ts'
import { MAIN } from './locksmith.ts'
import type { Scope } from './scope.ts'

export interface AgentPlan {
  readonly folder: string
  readonly broker: string
  readonly port: string
}

/** `locksmith agent` of an arm with one native controller at `port`, as a process of its own. */
export function startAgentProcess(scope: Scope, { folder, broker, port }: AgentPlan): Process {
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
  return startNode(scope.context, [MAIN, 'agent', '--config', file])
}

/** Resolves at the moment at which the process has written this to its stdout. */
export const inContact = (agent: Process): Promise<unknown> =>
  agent.line('in contact', (line) => line.event === 'contact')
