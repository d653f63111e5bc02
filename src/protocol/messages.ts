import * as z from 'zod'
import { isDevicePath, isName, isScope, parseLock } from '../rules/scope.ts'
import { MAX_REASON } from './reason.ts'
import { words } from './words.ts'

/** Every message that crosses the broker, as a schema. What does not match is refused with a sentence, never half understood. */

/** The largest payload that is looked at. A document of 64 KiB, escaped as JSON, stays below it. */
export const MAX_PAYLOAD_BYTES = 256 * 1024
/** Nothing larger crosses a connection: a message above it is dropped unread. */
export const MAX_REPLY_BYTES = 1024 * 1024
/**
 * A page of an answer is full at this size. Small, because heartbeats wait while one is made; and the item that fills it, at
 * most one state of MAX_PAYLOAD_BYTES or one lock with all who wait, still leaves it far below MAX_REPLY_BYTES.
 */
export const MAX_PAGE_BYTES = 128 * 1024

/** How many requests one session may have open, and locks one request. */
export const MAX_ASKS = 16
export const MAX_LOCKS = 16
/** Characters. */
export const MAX_PHASE = 100

type OneOp = z.ZodObject<{ op: z.ZodLiteral<string> }>

/** A union of messages by their `op`. The option is found here: the way through zod's union costs every message as much as the option itself. */
function toldByOp<const Options extends readonly [OneOp, ...OneOp[]]>(options: Options) {
  const union = z.discriminatedUnion('op', options)
  const optionOf = new Map<unknown, OneOp>(options.map((option) => [option.shape.op.value, option]))
  const safeParse = (json: unknown): z.ZodSafeParseResult<z.infer<typeof union>> => {
    const op = typeof json === 'object' && json !== null && 'op' in json ? json.op : undefined
    return (optionOf.get(op) ?? union).safeParse(json) as z.ZodSafeParseResult<z.infer<typeof union>>
  }
  return { union, safeParse }
}

const name = z.string().refine(isName, 'not a name (a-z, 0-9, ".", "_", "-"; at most 63)')
const devicePath = z.string().max(512).refine(isDevicePath, 'not a device path')
const scope = z.string().max(512).refine(isScope, 'not a scope')
const lock = z
  .string()
  .max(600)
  .refine((text) => parseLock(text) !== undefined, 'not a lock name (SCOPE:RESOURCE)')
const id = z.string().regex(/^[!-~]{1,64}$/, 'not an id (1 to 64 printable characters without blanks)')
const count = z.int().min(0)
const fence = z.int().min(0).max(Number.MAX_SAFE_INTEGER)
const text = words(MAX_REASON)

export const lockFence = z.object({ lock, fence })
const owner = z.object({
  name,
  session: count,
  boot: z.string().max(64),
  kind: z.enum(['agent', 'push', 'tool']).optional()
})

const ask = z.object({
  request: id,
  locks: z.array(lock).min(1).max(MAX_LOCKS),
  reason: text,
  waitedMs: z.number().min(0),
  /** What the owner says it is doing. */
  phase: words(MAX_PHASE).optional(),
  /** Ended for its owner, whose present step has not: named until then, and no longer wanted. */
  over: z.boolean().optional()
})
export type WireAsk = z.infer<typeof ask>

export const request = toldByOp([
  z.object({
    op: z.literal('hello'),
    id,
    kind: z.enum(['agent', 'push', 'tool']),
    boot: z.string().min(1).max(64),
    device: devicePath.nullable(),
    knownFence: fence,
    knownTerm: count.optional()
  }),
  z.object({
    op: z.literal('heartbeat'),
    session: count,
    seq: count,
    heard: count,
    asks: z.array(ask).max(MAX_ASKS),
    knownFence: fence,
    knownTerm: count.optional(),
    enforces: z.boolean().optional(),
    standing: z.array(lockFence).max(32)
  }),
  ask.extend({ op: z.literal('acquire'), session: count, seq: count, wait: z.boolean() }),
  z.object({ op: z.literal('release'), session: count, seq: count, request: id }),
  z.object({ op: z.literal('goodbye'), session: count, seq: count }),
  z.object({
    op: z.literal('unlock'),
    id,
    lock,
    fence,
    reason: text,
    graceMs: z.number().min(0).max(86_400_000)
  }),
  z.object({
    op: z.literal('push'),
    id,
    session: count,
    seq: count,
    resource: name,
    version: z.int().min(1).max(0xffffffff),
    document: z.string().max(64 * 1024),
    digest: z.string().length(64),
    scope,
    under: lockFence.nullable(),
    atOnce: z.int().min(1)
  }),
  z.object({ op: z.literal('withdraw'), id, push: id, reason: text }),
  z.object({
    op: z.literal('outcome'),
    session: count,
    seq: count,
    push: id,
    outcome: z.enum(['applied', 'refused', 'unverified']),
    code: z.string().max(16).nullable(),
    detail: words(500),
    version: z.int().nullable()
  }),
  z.object({
    op: z.literal('query'),
    id,
    what: z.enum(['locks', 'status', 'why', 'devices']),
    subject: z.string().max(600).optional(),
    /** Asks for pages: what comes after this device or lock; empty = from the beginning. Without it, the answer is whole or refused. */
    after: z.string().max(600).optional()
  })
])
export type WireRequest = z.infer<typeof request.union>

const freedBy = z.object({ what: z.string(), inMs: z.number().nullable() })
const blocker = z.object({
  lock: z.string(),
  fence: count,
  state: z.enum(['held', 'orphaned', 'queued']),
  owner: owner.nullable(),
  heldMs: z.number(),
  lastHeardMs: z.number().nullable(),
  leaseLeftMs: z.number(),
  freedBy,
  /** Set when it takes up a slot that the asker needs, and conflicts with nothing. */
  slot: z.object({ scope: z.string(), most: count }).optional()
})
export type WireBlocker = z.infer<typeof blocker>

/** A lock as everybody may see it; retained, also when free. Ages and times left are as of the sending. */
export const record = z.object({
  lock,
  state: z.enum(['free', 'held', 'orphaned']),
  fence,
  floor: fence,
  owner: owner.nullable(),
  phase: z.string().nullable(),
  reason: z.string(),
  term: count,
  rev: count,
  heldMs: z.number(),
  leaseLeftMs: z.number(),
  maxHoldLeftMs: z.number().nullable(),
  waiters: z.array(z.object({ name: z.string(), waitedMs: z.number() })),
  freedBy: freedBy.nullable()
})
export type LockRecord = z.infer<typeof record>

const refusal = z.object({
  code: z.string(),
  message: z.string(),
  hint: z.string(),
  why: z.string(),
  blockers: z.array(blocker).optional()
})
export type WireRefusal = z.infer<typeof refusal>

const pushDevice = z.object({
  device: z.string(),
  state: z.enum(['waiting', 'sent', 'applied', 'refused', 'unverified', 'unreachable']),
  code: z.string().nullable(),
  detail: z.string(),
  version: z.number().nullable()
})
export type WirePushDevice = z.infer<typeof pushDevice>

/** An operator asks the owner to finish by itself; the lock is cleared in so long a time. */
const asked = z.object({ operation: id, by: z.string(), reason: z.string(), inMs: z.number() })
export type WireAsked = z.infer<typeof asked>

/** What every reply carries: its place in the order of things, and what Locksmith knows of fences. */
const envelope = { term: count, rev: count, fenceHigh: fence, quietMs: z.number() }

export const reply = toldByOp([
  z.object({
    ...envelope,
    op: z.literal('hello'),
    id,
    session: count,
    ttlMs: z.number().positive(),
    news: z.array(z.string())
  }),
  z.object({
    ...envelope,
    op: z.literal('heartbeat'),
    session: count,
    seq: count,
    leaseMs: z.number(),
    holding: z.array(lockFence.extend({ request: id, asked: asked.optional() })),
    queued: z.array(z.object({ request: id, place: count, blockers: z.array(blocker) })),
    covering: z.array(record),
    floors: z.record(name, fence)
  }),
  z.object({
    ...envelope,
    op: z.literal('granted'),
    session: count,
    seq: count,
    request: id,
    locks: z.array(lockFence)
  }),
  z.object({
    ...envelope,
    op: z.literal('queued'),
    session: count,
    seq: count,
    request: id,
    place: count,
    blockers: z.array(blocker)
  }),
  z.object({ ...envelope, op: z.literal('released'), session: count, seq: count, request: id }),
  z.object({
    ...envelope,
    op: z.literal('ended'),
    session: count,
    request: id,
    locks: z.array(lockFence),
    how: z.string()
  }),
  z.object({ ...envelope, op: z.literal('asked'), session: count, request: id, lock, fence, asked }),
  z.object({
    ...envelope,
    op: z.literal('refused'),
    session: count,
    seq: count,
    request: z.string(),
    refusal
  }),
  z.object({
    ...envelope,
    op: z.literal('unlocked'),
    id,
    lock,
    outcome: z.enum(['cleared', 'already-free', 'changed']),
    fence,
    freeInMs: z.number().nullable()
  }),
  z.object({
    ...envelope,
    op: z.literal('push'),
    id,
    session: count,
    seq: count,
    state: z.enum(['open', 'done', 'withdrawn']),
    why: z.string(),
    devices: z.array(pushDevice)
  }),
  z.object({
    ...envelope,
    op: z.literal('withdrawn'),
    id,
    push: id,
    outcome: z.enum(['withdrawn', 'already-ended']),
    state: z.enum(['open', 'done', 'withdrawn']),
    why: z.string(),
    devices: z.array(pushDevice)
  }),
  z.object({ ...envelope, op: z.literal('noted'), session: count, seq: count }),
  z.object({ ...envelope, op: z.literal('failed'), id: z.string(), refusal }),
  z.object({
    ...envelope,
    op: z.literal('answer'),
    id,
    data: z.unknown(),
    /** Where the next page begins (its `after`); null or absent: this was the last. */
    next: z.string().nullable().optional()
  })
])
export type WireReply = z.infer<typeof reply.union>
export type ReplyOf<Op extends WireReply['op']> = Extract<WireReply, { op: Op }>

/** What a device is told to apply. Under a push together it names the wide lock that covers it; else the device locks itself. */
export const update = z.object({
  push: id,
  resource: name,
  version: z.int().min(1).max(0xffffffff),
  document: z.string().max(64 * 1024),
  digest: z.string().length(64),
  by: z.string(),
  under: lockFence.nullable()
})
export type Update = z.infer<typeof update>

export /** At most what a message carries. */
const shown = words(MAX_REPLY_BYTES)
const hold = z.object({
  id: shown,
  kind: z.enum(['lock', 'config', 'contact', 'operator', 'controller']),
  owner: shown,
  why: shown,
  lock: shown.optional(),
  fence: fence.optional(),
  sinceMs: z.number(),
  untilMs: z.number().nullable(),
  waived: z.boolean()
})

/** The retained state of an agent: for people and for `status`; nothing is decided by it. */
export const agentState = z.object({
  device: devicePath,
  kind: words(63),
  online: z.boolean(),
  state: z.enum(['running', 'pausing', 'paused', 'resuming', 'fault']),
  holds: z.array(hold).max(100),
  configs: z.record(
    name,
    z.object({ version: z.number(), digest: z.string(), fence: z.number(), verified: z.boolean() })
  ),
  controllers: z.array(
    z.object({
      name: shown,
      connected: z.boolean(),
      motion: shown.nullable(),
      paused: z.boolean().nullable(),
      position: z.number().nullable(),
      enforces: z.boolean()
    })
  ),
  session: count,
  boot: z.string()
})
export type AgentState = z.infer<typeof agentState>

/** The retained status of Locksmith. */
export const locksmithStatus = z.object({
  /** Names the store, and stays over restarts. */
  instance: z.string(),
  /** Names the process. */
  life: z.string().optional(),
  term: count,
  up: z.boolean(),
  version: z.string(),
  fenceLimit: fence,
  fenceHigh: fence,
  quietMs: z.number()
})
export type LocksmithStatus = z.infer<typeof locksmithStatus>

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string }

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Reads a payload as JSON of a given shape; the problem is one sentence that names the place. */
export function parsePayload<T>(
  schema: Pick<z.ZodType<T>, 'safeParse'>,
  payload: Uint8Array,
  maxBytes = MAX_PAYLOAD_BYTES
): Parsed<T> {
  if (payload.length > maxBytes) {
    return {
      ok: false,
      problem: `payload of ${payload.length} bytes; at most ${maxBytes} are accepted`
    }
  }
  let json: unknown
  try {
    json = JSON.parse(utf8.decode(payload))
  } catch (error) {
    return { ok: false, problem: oneLine(`not JSON: ${(error as Error).message}`) }
  }
  const parsed = schema.safeParse(json)
  return parsed.success ? { ok: true, value: parsed.data } : { ok: false, problem: sentence(parsed.error) }
}

/** The id in a request that was not understood otherwise, so that its sender can be told. */
export function idOf(payload: Uint8Array): string | undefined {
  const parsed = parsePayload(z.object({ id }), payload)
  return parsed.ok ? parsed.value.id : undefined
}

/** The first issue of a zod error, with its place. */
export function sentence(error: z.ZodError): string {
  const issue = error.issues[0]
  const place = issue === undefined || issue.path.length === 0 ? 'message' : issue.path.join('.')
  return oneLine(`${place}: ${issue?.message ?? 'does not match'}`)
}

/** Problems quote what was sent: kept short, and without anything that could forge a line of a log or move a cursor. */
const oneLine = (problem: string): string => problem.replaceAll(/\p{C}+|\s+/gu, ' ').slice(0, 300)
