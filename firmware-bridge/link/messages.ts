import { Reader, Writer } from './bytes.ts'
import type { Frame } from './frame.ts'

/** Types of requests on the wire; an answer has bit 7 set as well. */
export const requestTypes = {
  hello: 0x01,
  pause: 0x02,
  resume: 0x03,
  stage: 0x04,
  commit: 0x05,
  read: 0x06,
  confirm: 0x07,
  rollback: 0x08,
  status: 0x09,
  floor: 0x0a,
  describe: 0x0b,
  discard: 0x0c
} as const

export type RequestName = keyof typeof requestTypes
export const answerBit = 0x80
export const unaskedStatusType = 0x70
export const refusalType = 0xff
export const protocolVersion = 1

const whyCodes = { lock: 1, config: 2, contact: 3, operator: 4, other: 5 } as const
export type Why = keyof typeof whyCodes
const motions = ['standstill', 'moving', 'decelerating'] as const

export const reasons = [
  'bad-request',
  'old-link',
  'not-paused',
  'not-standing',
  'old-fence',
  'spent-fence',
  'not-staged',
  'late',
  'bad-resource',
  'bad-param',
  'out-of-range',
  'unverified',
  'verified',
  'old-pause',
  'storage'
] as const

export interface ParamValue {
  readonly param: number
  readonly value: number
}

/** A resource and the grant that acts on it. */
interface Fenced {
  readonly resource: number
  readonly fence: number
}

export interface Requests {
  hello: {
    readonly hostNonce: number
    /** 0 = the controller never minds silence. */
    readonly silenceMs: number
    readonly onSilence: 'stop' | 'continue'
  }
  pause: { readonly why: Why }
  resume: { readonly pauseId: number }
  /** `deadlineMs` in the controller's own time, modulo 2^32. */
  stage: Fenced & {
    readonly deadlineMs: number
    readonly version: number
    readonly values: readonly ParamValue[]
  }
  commit: Fenced
  read: { readonly resource: number }
  confirm: Fenced
  rollback: Fenced
  status: object
  floor: { readonly resource: number; readonly floor: number }
  describe: { readonly param: number }
  discard: { readonly resource: number }
}

export interface StatusMessage {
  readonly timeMs: number
  readonly pauseId: number
  readonly paused: boolean
  readonly hostSilent: boolean
  readonly booted: boolean
  readonly storageFault: boolean
  readonly motion: (typeof motions)[number]
  /** Millionths of the axis' unit. */
  readonly positionMicro: number
  readonly speedMicro: number
  /** One bit per resource. */
  readonly stagedBits: number
  readonly unverifiedBits: number
  readonly why: number
  readonly badFrames: number
  readonly refused: number
}

export interface Answers {
  hello: {
    readonly version: number
    readonly hostNonce: number
    readonly bootCount: number
    readonly timeMs: number
    readonly capabilities: number
    readonly maxBody: number
    readonly resources: number
    readonly params: number
    readonly name: string
  }
  pause: { readonly pauseId: number; readonly timeMs: number; readonly motion: (typeof motions)[number] }
  resume: { readonly timeMs: number }
  stage: { readonly timeMs: number }
  commit: { readonly already: boolean; readonly timeMs: number }
  read: {
    readonly resource: number
    readonly unverified: boolean
    readonly neverCommitted: boolean
    readonly predecessorKept: boolean
    readonly fence: number
    readonly floor: number
    readonly version: number
    readonly values: readonly ParamValue[]
  }
  confirm: { readonly already: boolean }
  rollback: { readonly already: boolean; readonly fence: number; readonly version: number }
  status: StatusMessage
  floor: { readonly floor: number }
  describe: {
    readonly param: number
    readonly resource: number
    readonly min: number
    readonly max: number
    readonly name: string
  }
  discard: object
}

const builders: { readonly [N in RequestName]: (out: Writer, it: Requests[N]) => Writer } = {
  hello: (out, it) =>
    out
      .u8('version', protocolVersion)
      .u32('hostNonce', it.hostNonce)
      .u16('silenceMs', it.silenceMs)
      .u8('onSilence', it.onSilence === 'stop' ? 0 : 1),
  pause: (out, it) => out.u8('why', whyCodes[it.why]),
  resume: (out, it) => out.u32('pauseId', it.pauseId),
  stage: (out, it) => {
    fenced(out, it)
      .u32('deadlineMs', it.deadlineMs)
      .u32('version', it.version)
      .u8('count of values', it.values.length)
    for (const { param, value } of it.values) out.u8('param', param).f32(value)
    return out
  },
  commit: fenced,
  read: (out, it) => out.u8('resource', it.resource),
  confirm: fenced,
  rollback: fenced,
  status: (out) => out,
  floor: (out, it) => out.u8('resource', it.resource).fence('floor', it.floor),
  describe: (out, it) => out.u8('param', it.param),
  discard: (out, it) => out.u8('resource', it.resource)
}

function fenced(out: Writer, it: Fenced): Writer {
  return out.u8('resource', it.resource).fence('fence', it.fence)
}

/** The payload of a request. Throws UnsendableValue when a number does not fit its field. */
export function buildRequest<N extends RequestName>(name: N, request: Requests[N]): Uint8Array {
  return builders[name](new Writer(), request).done()
}

const parsers: { readonly [N in RequestName]: (from: Reader) => Answers[N] } = {
  hello: (from) => ({
    version: from.u8(),
    hostNonce: from.u32(),
    bootCount: from.u16(),
    timeMs: from.u32(),
    capabilities: from.u16(),
    maxBody: from.u8(),
    resources: from.u8(),
    params: from.u8(),
    name: from.name(16)
  }),
  pause: (from) => ({ pauseId: from.u32(), timeMs: from.u32(), motion: motion(from) }),
  resume: (from) => ({ timeMs: from.u32() }),
  stage: (from) => ({ timeMs: from.u32() }),
  commit: (from) => ({ already: flag(from), timeMs: from.u32() }),
  read: parseRead,
  confirm: (from) => ({ already: flag(from) }),
  rollback: (from) => ({ already: flag(from), fence: from.fence(), version: from.u32() }),
  status: parseStatus,
  floor: (from) => ({ floor: from.fence() }),
  describe: (from) => ({
    param: from.u8(),
    resource: from.u8(),
    min: from.f32(),
    max: from.f32(),
    name: from.name(24)
  }),
  discard: () => ({})
}

function flag(from: Reader): boolean {
  return from.u8() !== 0
}

function motion(from: Reader): (typeof motions)[number] {
  const named = motions[from.u8()]
  if (named === undefined) throw new RangeError('unknown motion')
  return named
}

function parseRead(from: Reader): Answers['read'] {
  const resource = from.u8()
  const flags = from.u8()
  const head = { fence: from.fence(), floor: from.fence(), version: from.u32() }
  const values = Array.from({ length: from.u8() }, () => ({ param: from.u8(), value: from.f32() }))
  return {
    resource,
    unverified: (flags & 1) !== 0,
    neverCommitted: (flags & 2) !== 0,
    predecessorKept: (flags & 4) !== 0,
    ...head,
    values
  }
}

function parseStatus(from: Reader): StatusMessage {
  const timeMs = from.u32()
  const pauseId = from.u32()
  const flags = from.u8()
  return {
    timeMs,
    pauseId,
    paused: (flags & 1) !== 0,
    hostSilent: (flags & 2) !== 0,
    booted: (flags & 4) !== 0,
    storageFault: (flags & 8) !== 0,
    motion: motion(from),
    positionMicro: from.i32(),
    speedMicro: from.i32(),
    stagedBits: from.u8(),
    unverifiedBits: from.u8(),
    why: from.u8(),
    badFrames: from.u16(),
    refused: from.u16()
  }
}

function whole<T>(payload: Uint8Array, parse: (from: Reader) => T): T | undefined {
  const from = new Reader(payload)
  try {
    const parsed = parse(from)
    return from.atEnd ? parsed : undefined
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** What an answer's payload says, or undefined when it is not one of that request: wrong length, impossible values. */
export function parseAnswer<N extends RequestName>(name: N, payload: Uint8Array): Answers[N] | undefined {
  return whole<Answers[N]>(payload, parsers[name])
}

/** Whether a payload can be the answer to a request of that type. */
export function isWellFormed(requestType: number, payload: Uint8Array): boolean {
  const name = (Object.keys(requestTypes) as RequestName[]).find((it) => requestTypes[it] === requestType)
  return name !== undefined && parseAnswer(name, payload) !== undefined
}

/** The status that the controller sent by itself, or undefined when the frame is something else. */
export function parseUnasked(frame: Frame): StatusMessage | undefined {
  if (frame.type !== unaskedStatusType || frame.seq !== 0) return undefined
  return whole(frame.payload, parseStatus)
}

/** The request's type and the reason's name of a refusal, or undefined when the frame is none. */
export function parseRefusal(frame: Frame): { requestType: number; reason: string } | undefined {
  if (frame.type !== refusalType || frame.payload.length !== 2) return undefined
  const code = frame.payload[1]!
  return { requestType: frame.payload[0]!, reason: reasons[code - 1] ?? `unknown-${code}` }
}
