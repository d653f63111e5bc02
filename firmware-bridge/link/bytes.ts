import { maxPayload } from './frame.ts'

/** A value does not fit its field on the wire. */
export class UnsendableValue extends Error {
  constructor(field: string, value: number, limit: number) {
    super(`${field} must be a whole number from 0 to ${limit}, not ${value}`)
    this.name = 'UnsendableValue'
  }
}

/** Builds a payload, little-endian, checking that every whole number fits its field. */
export class Writer {
  readonly #bytes = new Uint8Array(maxPayload)
  readonly #view = new DataView(this.#bytes.buffer)
  #length = 0

  u8(field: string, value: number): this {
    this.#view.setUint8(this.#take(1), whole(field, value, 0xff))
    return this
  }

  u16(field: string, value: number): this {
    this.#view.setUint16(this.#take(2), whole(field, value, 0xffff), true)
    return this
  }

  u32(field: string, value: number): this {
    this.#view.setUint32(this.#take(4), whole(field, value, 0xffff_ffff), true)
    return this
  }

  /** A fence: u64 on the wire, below 2^53 by meaning. */
  fence(field: string, value: number): this {
    const at = this.#take(8)
    this.#view.setBigUint64(at, BigInt(whole(field, value, Number.MAX_SAFE_INTEGER)), true)
    return this
  }

  f32(value: number): this {
    this.#view.setFloat32(this.#take(4), value, true)
    return this
  }

  done(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  #take(size: number): number {
    const at = this.#length
    this.#length += size
    if (this.#length > maxPayload)
      throw new UnsendableValue('length of the payload', this.#length, maxPayload)
    return at
  }
}

function whole(field: string, value: number, limit: number): number {
  if (!Number.isInteger(value) || value < 0 || value > limit) throw new UnsendableValue(field, value, limit)
  return value
}

/** Reads a payload, little-endian. Reading past its end, or a fence of 2^53 and more, throws RangeError. */
export class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  u8 = (): number => this.#view.getUint8(this.#step(1))
  u16 = (): number => this.#view.getUint16(this.#step(2), true)
  u32 = (): number => this.#view.getUint32(this.#step(4), true)
  i32 = (): number => this.#view.getInt32(this.#step(4), true)
  f32 = (): number => this.#view.getFloat32(this.#step(4), true)

  fence(): number {
    const value = this.#view.getBigUint64(this.#step(8), true)
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError('a fence is below 2^53')
    return Number(value)
  }

  /** The rest, as printable ASCII of at most `limit` characters. */
  name(limit: number): string {
    const rest = this.#bytes.subarray(this.#at)
    this.#at = this.#bytes.length
    if (rest.length > limit || rest.some((byte) => byte < 0x20 || byte > 0x7e))
      throw new RangeError('not a name')
    return String.fromCharCode(...rest)
  }

  #step(size: number): number {
    const at = this.#at
    this.#at += size
    return at
  }
}
