/** The edge agent of one device. */
export { type Agent, type AgentOptions, startAgent } from './agent.ts'
export { type AgentConfig, loadAgentConfig, type Profile, parseAgentConfig } from './config.ts'
export { digestOf } from './config-file.ts'
