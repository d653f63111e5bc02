import { type AgentPlan, writeAgentToml } from '../support/agent-toml.ts'
import { type Process, startNode } from '../support/processes.ts'
import { MAIN } from './locksmith.ts'
import type { Scope } from './scope.ts'

/** `locksmith agent` of an arm with one native controller at `port`, as a process of its own. */
export function startAgentProcess(scope: Scope, plan: AgentPlan): Process {
  const file = writeAgentToml(plan)
  return startNode(scope.context, [MAIN, 'agent', '--config', file])
}

/** Resolves at the moment at which the process has written this to its stdout. */
export const inContact = (agent: Process): Promise<unknown> =>
  agent.line('in contact', (line) => line.event === 'contact')
