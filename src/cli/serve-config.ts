import { existsSync, readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import { parseBrokerAddress } from '../platform/broker-address.ts'
import { parseToml, RESOURCES } from '../protocol/document.ts'
import { duration } from '../protocol/duration-schema.ts'
import { LocksmithError } from '../protocol/errors.ts'
import { sentence } from '../protocol/messages.ts'
import { unknownResource } from '../protocol/refusal-words.ts'
import type { PolicyEntry } from '../rules/policy.ts'
import { isName, isScope } from '../rules/scope.ts'
import { COMMAND_ENDS_WITHIN_MS } from './end-of-command.ts'

/** The configuration file of `locksmith serve`. Everything in it may be left out. */

/** `plant-2:aim`, `*:aim`, `plant-2:*`, `plant-2`. */
function isPattern(text: string): boolean {
  const [scope = '', resource = '*', ...more] = text.split(':')
  return more.length === 0 && isScope(scope) && (resource === '*' || isName(resource))
}

const name = z.string().refine(isName, 'not a name (a-z, 0-9, ".", "_", "-"; at most 63)')
const policy = z.strictObject({
  lock: z.string().refine(isPattern, 'not a lock pattern, such as "*:aim" or "plant-2/line-4:*"'),
  maxHold: duration.optional(),
  onOrphan: z.enum(['reclaim', 'wait-for-operator']).optional(),
  lockDelay: duration.optional(),
  patience: duration.optional(),
  /** Names that may lock it; they bind a wider lock too. */
  mayLock: z.array(name).optional(),
  /** At most so many device locks of a resource below the scope of `lock`. */
  slots: z.int().min(1).optional()
})

const shape = z.strictObject({
  fleet: name.optional(),
  broker: z
    .string()
    .superRefine((text, context) => {
      try {
        parseBrokerAddress(text)
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message })
      }
    })
    .optional(),
  store: z.string().min(1).optional(),
  /** Upper bound of the fences granted; not to be part of the same backup as the store. */
  fenceFile: z.string().min(1).optional(),
  ttl: duration.optional(),
  /** Cron expression of the collector, seconds first. */
  collector: z.string().min(1).optional(),
  /** Resources that may be locked besides those that every fleet has. */
  resources: z.array(name).default([]),
  policy: z.array(policy).default([])
})
export type ServeConfig = z.infer<typeof shape>

/** @throws LocksmithError LK-6004 */
export function readServeConfig(file: string | undefined): ServeConfig {
  if (file === undefined) return { resources: [], policy: [] }
  const parsed = shape.safeParse(parseToml(readText(file), 'LK-6004', `${file}: `))
  if (!parsed.success) throw new LocksmithError('LK-6004', `${file}: ${sentence(parsed.error)}`)
  refuseUnknown(parsed.data, file)
  return parsed.data
}

/** A policy of a misspelt resource would protect nothing. */
function refuseUnknown(config: ServeConfig, file: string): void {
  const known = resourcesOf(config)
  for (const [index, { lock }] of config.policy.entries()) {
    const [, resource = '*'] = lock.split(':')
    if (resource === '*' || known.includes(resource)) continue
    throw new LocksmithError('LK-6004', `${file}: policy.${index}.lock: ${unknownResource(resource, known)}`)
  }
}

/** What can be locked in the fleet. */
export const resourcesOf = ({ resources }: ServeConfig): readonly string[] => [...RESOURCES, ...resources]

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new LocksmithError('LK-6004', `${file} cannot be read: ${(error as Error).message}`)
  }
}

export function policyEntries({ policy: entries }: ServeConfig): readonly PolicyEntry[] {
  return entries.map(({ lock, maxHold, onOrphan, lockDelay, patience, mayLock, slots }) => ({
    lock,
    ...(maxHold === undefined ? {} : { maxHoldMs: maxHold }),
    ...(onOrphan === undefined ? {} : { onOrphan }),
    ...(lockDelay === undefined ? {} : { lockDelayMs: lockDelay }),
    ...(patience === undefined ? {} : { patienceMs: patience }),
    ...(mayLock === undefined ? {} : { mayLock }),
    ...(slots === undefined ? {} : { slots })
  }))
}

/** Policies under which a lock comes free while the COMMAND of an `exec` that lost it may still run. */
export const shortDelays = ({ policy: entries }: ServeConfig): readonly string[] =>
  entries.flatMap(({ lock, lockDelay, mayLock }) =>
    lockDelay === undefined || lockDelay >= COMMAND_ENDS_WITHIN_MS || mayLock?.length === 0 ? [] : [lock]
  )

/** The file of a store written as `sqlite:FILE`. @throws LocksmithError LK-6004 */
export function storeFile(store: string): string {
  const file = /^sqlite:(.+)$/.exec(store)?.[1]
  if (file !== undefined) return file
  throw new LocksmithError('LK-6004', `the store "${store}" is not supported; write sqlite:FILE`)
}

/** Where systemd says, else among the user's own state. */
export function defaultStore(env: Readonly<Record<string, string | undefined>>): string {
  const state = env.XDG_STATE_HOME || join(env.HOME || homedir(), '.local', 'state')
  return `sqlite:${join(env.STATE_DIRECTORY?.split(':')[0] ?? join(state, 'locksmith'), 'locksmith.db')}`
}

/** Tells a change of the file since the last look. */
export function changeTeller(file: string | undefined): () => boolean {
  const stamp = (): string => {
    if (file === undefined || !existsSync(file)) return ''
    const { mtimeMs, size, ino } = statSync(file)
    return `${mtimeMs} ${size} ${ino}`
  }
  let last = stamp()
  return () => {
    const now = stamp()
    const changed = now !== last && now !== ''
    last = now
    return changed
  }
}
