/**
 * Reads the firmware's state out of its RAM: `fw_trace` of core/trace.h, whose place and layout the build writes into
 * firmware.json beside each image.
 */
import { shortestOfFloat32 } from '../link/float32.ts'

type FieldType = 'u8' | 'u16' | 'u32' | 'u64' | 'i32' | 'f32'

interface TraceField {
  readonly name: string
  readonly type: FieldType
  readonly count: number
  readonly offset: number
}

export interface TraceLayout {
  readonly board: string
  /** Of the struct, in the data memory of the chip. */
  readonly address: number
  readonly bytes: number
  readonly resources: readonly string[]
  /** `resource.name`, in the order of their numbers. */
  readonly params: readonly string[]
  /** Reason 1 comes first. */
  readonly reasons: readonly string[]
  readonly fields: readonly TraceField[]
}

export type TraceMotion = 'standstill' | 'moving' | 'decelerating'

export interface Trace {
  /** Since the controller's reset. */
  readonly tMs: number
  /** Degrees. */
  readonly position: number
  /** Degrees per second. */
  readonly speed: number
  readonly motion: TraceMotion
  /** Not at a proved standstill: its drive is engaged, or it still turns. */
  readonly moving: boolean
  readonly paused: boolean
  readonly pauseId: number
  readonly why: number
  readonly hostSilent: boolean
  /** No hello since the reset. */
  readonly booted: boolean
  readonly storageFault: boolean
  readonly link: number
  readonly bootCount: number
  readonly staged: readonly string[]
  readonly unverified: readonly string[]
  /** In force. */
  readonly params: Readonly<Record<string, number>>
  readonly versions: Readonly<Record<string, number>>
  /** High-water: the largest fence ever committed. */
  readonly fences: Readonly<Record<string, number>>
  readonly floors: Readonly<Record<string, number>>
  /** Those that occurred. */
  readonly refusals: Readonly<Record<string, number>>
  readonly frames: number
  readonly badFrames: number
}

/** The bytes are not a trace of this layout: another firmware, a wrong address, or one that has not started yet. */
export class TraceFormatError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'TraceFormatError'
  }
}

const MAGIC = 0x3152544c
const PAUSED = 1
const HOST_SILENT = 2
const BOOTED = 4
const STORAGE_FAULT = 8
const MOTIONS: readonly TraceMotion[] = ['standstill', 'moving', 'decelerating']
const MICRO = 1e6

/** What changes all the time, and is no news. */
const RESTLESS = ['timeMs', 'position', 'speed', 'sequence', 'frames']

function readItem(view: DataView, type: FieldType, at: number): number {
  switch (type) {
    case 'u8':
      return view.getUint8(at)
    case 'u16':
      return view.getUint16(at, true)
    case 'u32':
      return view.getUint32(at, true)
    case 'i32':
      return view.getInt32(at, true)
    case 'u64':
      return Number(view.getBigUint64(at, true))
    case 'f32':
      return shortestOfFloat32(view.getFloat32(at, true))
  }
}

const SIZES: Readonly<Record<FieldType, number>> = { u8: 1, u16: 2, u32: 4, u64: 8, i32: 4, f32: 4 }

/** One layout, ready to read: everything a reader of a chip's memory needs. */
export class TraceReader {
  readonly address: number
  readonly length: number
  readonly #layout: TraceLayout
  readonly #fields: ReadonlyMap<string, TraceField>
  readonly #restless: readonly TraceField[]

  constructor(layout: TraceLayout) {
    this.address = layout.address
    this.length = layout.bytes
    this.#layout = layout
    this.#fields = new Map(layout.fields.map((field) => [field.name, field]))
    this.#restless = RESTLESS.map((name) => this.#field(name))
  }

  /** False while the firmware is at work on it, and before it has started. */
  consistent(bytes: Uint8Array): boolean {
    return this.#one(bytes, 'magic') === MAGIC && this.#one(bytes, 'sequence') % 2 === 0
  }

  /** True when something other than time, and motion along the way, has changed. */
  differs(one: Uint8Array, other: Uint8Array): boolean {
    for (let at = 0; at < this.length; at += 1) {
      if (one[at] !== other[at] && !this.#isRestless(at)) return true
    }
    return false
  }

  /** Throws {@link TraceFormatError}. */
  decode(bytes: Uint8Array): Trace {
    if (bytes.length < this.length) {
      throw new TraceFormatError(`a trace has ${this.length} bytes, and here are ${bytes.length}`)
    }
    if (this.#one(bytes, 'magic') !== MAGIC) {
      throw new TraceFormatError(
        'there is no trace at this address: the firmware has not started, or is another one'
      )
    }
    const { resources, params } = this.#layout
    const motion = MOTIONS[this.#one(bytes, 'motion')] ?? 'moving'
    return {
      tMs: this.#one(bytes, 'timeMs'),
      position: this.#one(bytes, 'position') / MICRO,
      speed: this.#one(bytes, 'speed') / MICRO,
      motion,
      moving: motion !== 'standstill',
      ...this.#flags(bytes),
      pauseId: this.#one(bytes, 'pauseId'),
      why: this.#one(bytes, 'why'),
      link: this.#one(bytes, 'link'),
      bootCount: this.#one(bytes, 'bootCount'),
      staged: this.#bits(bytes, 'staged'),
      unverified: this.#bits(bytes, 'unverified'),
      params: record(params, this.#many(bytes, 'values')),
      versions: record(resources, this.#many(bytes, 'version')),
      fences: record(resources, this.#many(bytes, 'fence')),
      floors: record(resources, this.#many(bytes, 'floor')),
      refusals: this.#refusals(bytes),
      frames: this.#one(bytes, 'frames'),
      badFrames: this.#one(bytes, 'badFrames')
    }
  }

  #flags(bytes: Uint8Array) {
    const flags = this.#one(bytes, 'flags')
    return {
      paused: (flags & PAUSED) !== 0,
      hostSilent: (flags & HOST_SILENT) !== 0,
      booted: (flags & BOOTED) !== 0,
      storageFault: (flags & STORAGE_FAULT) !== 0
    }
  }

  #refusals(bytes: Uint8Array): Record<string, number> {
    const counts = this.#many(bytes, 'refusals')
    const entries = this.#layout.reasons.map((reason, index) => [reason, counts[index + 1] ?? 0] as const)
    return Object.fromEntries(entries.filter(([, count]) => count > 0))
  }

  #bits(bytes: Uint8Array, name: string): string[] {
    const bits = this.#one(bytes, name)
    return this.#layout.resources.filter((_, index) => (bits >> index) & 1)
  }

  #one(bytes: Uint8Array, name: string): number {
    const { type, offset } = this.#field(name)
    return readItem(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), type, offset)
  }

  #many(bytes: Uint8Array, name: string): number[] {
    const { type, count, offset } = this.#field(name)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return Array.from({ length: count }, (_, index) => readItem(view, type, offset + index * SIZES[type]))
  }

  #field(name: string): TraceField {
    const field = this.#fields.get(name)
    if (field === undefined)
      throw new TraceFormatError(`the layout of board ${this.#layout.board} has no field ${name}`)
    return field
  }

  #isRestless(at: number): boolean {
    return this.#restless.some(({ offset, type, count }) => at >= offset && at < offset + count * SIZES[type])
  }
}

function record(names: readonly string[], values: readonly number[]): Record<string, number> {
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? 0]))
}
