import * as z from 'zod'
import { LocksmithError } from '../protocol/errors.ts'
import { sentence } from '../protocol/messages.ts'

/** Locksmith's answers to queries as far as people are shown them. With `--json` they are handed on whole. */

const owner = z.union([z.string(), z.looseObject({ name: z.string() })]).nullable()
const freedBy = z.looseObject({ what: z.string(), inMs: z.number().nullable() }).nullable()
const ageMs = z.number().nullable()

const lock = z.looseObject({
  lock: z.string(),
  state: z.enum(['free', 'held', 'orphaned']),
  fence: z.number(),
  owner,
  phase: z.string().nullable(),
  reason: z.string(),
  heldMs: z.number(),
  leaseLeftMs: z.number(),
  lastHeardMs: ageMs,
  waiters: z.array(z.looseObject({ name: z.string(), waitedMs: z.number() })),
  paused: z.looseObject({ devices: z.number(), standing: z.number(), unreachable: z.number() }),
  freedBy
})
export type LockView = z.infer<typeof lock>

const hold = z.looseObject({
  id: z.string(),
  kind: z.string(),
  owner: z.string(),
  why: z.string(),
  lock: z.string().optional(),
  sinceMs: ageMs,
  untilMs: ageMs,
  waived: z.boolean()
})
export type HoldView = z.infer<typeof hold>

const device = z.looseObject({
  device: z.string(),
  kind: z.string(),
  online: z.boolean(),
  state: z.string(),
  holds: z.array(hold),
  configs: z.record(z.string(), z.looseObject({ version: z.number(), verified: z.boolean() }))
})
export type DeviceView = z.infer<typeof device>

const status = z.looseObject({
  locksmith: z.looseObject({
    up: z.boolean(),
    version: z.string(),
    instance: z.string(),
    term: z.number(),
    startedMs: z.number()
  }),
  pushes: z
    .array(
      z.looseObject({
        id: z.string(),
        resource: z.string(),
        version: z.number(),
        scope: z.string(),
        by: z.string(),
        sinceMs: ageMs,
        devices: z.number(),
        awaits: z.number()
      })
    )
    .optional(),
  devices: z.array(device)
})
export type StatusView = z.infer<typeof status>

const why = z.looseObject({
  subject: z.string(),
  moving: z.boolean().nullable(),
  chain: z.array(
    z.looseObject({
      hold: z.string(),
      why: z.string().optional(),
      lock: z.string().nullable(),
      owner,
      sinceMs: ageMs,
      lastHeardMs: ageMs,
      freedBy
    })
  ),
  bypass: z.string().nullable()
})
export type WhyView = z.infer<typeof why>

const read =
  <T>(schema: z.ZodType<T>) =>
  (data: unknown): T => {
    const parsed = schema.safeParse(data)
    if (parsed.success) return parsed.data
    throw new LocksmithError('LK-2006', `Locksmith's answer: ${sentence(parsed.error)}`)
  }

export const readLocks = read(z.array(lock))
export const readStatus = read(status)
export const readWhy = read(why)
