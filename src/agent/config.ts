import * as z from 'zod'
import type { Files } from '../platform/durable-file.ts'
import { DiskError } from '../platform/durable-file.ts'
import { parseToml } from '../protocol/document.ts'
import { duration } from '../protocol/duration-schema.ts'
import { LocksmithError } from '../protocol/errors.ts'
import { nearest } from '../protocol/nearest.ts'
import { isDevicePath, isName } from '../rules/scope.ts'

const name = z.string().refine(isName, 'not a name (a-z, 0-9, ".", "_", "-"; at most 63)')
const words = z.string().trim().min(1, 'must not be empty')

const controller = z.strictObject({
  name,
  driver: words,
  port: words,
  baudRate: z.int().positive().default(115_200),
  silenceMs: z.int().min(0).max(0xffff).default(2000)
})

const profile = z.strictObject({
  /** How long the device may stand before `afterBudget` acts. */
  pauseBudget: duration.default(600_000),
  afterBudget: z.enum(['stay', 'resume', 'manoeuvre']).default('stay'),
  /** Says in words that the risk of an automatic restart was assessed. Without it a person restarts the device. */
  autoRestart: words.optional(),
  onHostSilent: z.enum(['stop', 'continue']).default('stop')
})

const agentConfig = z.strictObject({
  device: z.string().max(512).refine(isDevicePath, 'not a device path, such as plant-2/line-4/arm-7'),
  kind: z.string().min(1).max(63),
  fleet: name.default('default'),
  broker: words.default('mqtt://127.0.0.1:1883'),
  stateDir: words,
  runDir: words,
  profile: profile.prefault({}),
  controller: z
    .array(controller)
    .min(1, 'name at least one')
    .refine((all) => new Set(all.map((one) => one.name)).size === all.length, 'two have the same name')
})
export type AgentConfig = z.infer<typeof agentConfig>
export type Profile = AgentConfig['profile']

/**
 * Reads agent.toml.
 * @throws LocksmithError LK-6004, with line and column where it does not parse, else with the place
 */
export function parseAgentConfig(text: string, where = 'agent.toml'): AgentConfig {
  const parsed = agentConfig.safeParse(parseToml(text, 'LK-6004', `${where}: `))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new LocksmithError('LK-6004', `${where}: ${issue === undefined ? 'does not match' : explain(issue)}`)
}

/** @throws LocksmithError LK-6004, also when the file cannot be read */
export function loadAgentConfig(files: Files, path: string): AgentConfig {
  return parseAgentConfig(readText(files, path), path)
}

function readText(files: Files, path: string): string {
  try {
    const text = files.read(path)
    if (text !== undefined) return text
  } catch (error) {
    if (error instanceof DiskError) throw new LocksmithError('LK-6004', error.message)
    throw error
  }
  throw new LocksmithError(
    'LK-6004',
    `there is no file ${path}`,
    'See src/samples for one per kind of device'
  )
}

/** The keys that are known at each place, for the suggestion to a typo. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  '': Object.keys(agentConfig.shape),
  profile: Object.keys(profile.shape),
  controller: Object.keys(controller.shape)
}

function explain(issue: z.core.$ZodIssue): string {
  const place = issue.path.join('.')
  if (issue.code !== 'unrecognized_keys') return `${place || 'the file'}: ${issue.message}`
  const key = issue.keys[0] ?? ''
  const known = nearest(key, KEYS[String(issue.path[0] ?? '')] ?? [])
  const full = place === '' ? key : `${place}.${key}`
  return `the key ${full} is not known${known === undefined ? '' : `; did you mean ${known}?`}`
}
