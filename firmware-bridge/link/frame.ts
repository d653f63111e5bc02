import { cobsDecode, cobsEncode, cobsLimit } from './cobs.ts'
import { crc16 } from './crc16.ts'

/** One frame of PROTOCOL.md, without its CRC and its stuffing. */
export interface Frame {
  readonly type: number
  /** 1…255 of a request and its answer; 0 of an unasked frame. */
  readonly seq: number
  readonly link: number
  readonly payload: Uint8Array
}

export const maxBody = 144
export const maxPayload = maxBody - 6
const headLength = 6
const crcLength = 2
const maxEncoded = cobsLimit(maxBody + crcLength)

/** The bytes of a frame on the wire, its closing 0x00 included. Throws RangeError when the payload is too long. */
export function encodeFrame(frame: Frame): Uint8Array {
  if (frame.payload.length > maxPayload) {
    throw new RangeError(`a frame carries at most ${maxPayload} bytes, not ${frame.payload.length}`)
  }
  const bodyLength = headLength + frame.payload.length
  const raw = new Uint8Array(bodyLength + crcLength)
  const view = new DataView(raw.buffer)
  view.setUint8(0, frame.type)
  view.setUint8(1, frame.seq)
  view.setUint32(2, frame.link, true)
  raw.set(frame.payload, headLength)
  view.setUint16(bodyLength, crc16(raw.subarray(0, bodyLength)), true)
  const stuffed = cobsEncode(raw)
  const wire = new Uint8Array(stuffed.length + 1)
  wire.set(stuffed)
  return wire
}

function decodeFrame(encoded: Uint8Array): Frame | undefined {
  const raw = cobsDecode(encoded)
  if (raw === undefined || raw.length < headLength + crcLength || raw.length > maxBody + crcLength)
    return undefined
  const view = new DataView(raw.buffer, raw.byteOffset, raw.length)
  const bodyLength = raw.length - crcLength
  if (crc16(raw.subarray(0, bodyLength)) !== view.getUint16(bodyLength, true)) return undefined
  return {
    type: view.getUint8(0),
    seq: view.getUint8(1),
    link: view.getUint32(2, true),
    payload: raw.slice(headLength, bodyLength)
  }
}

/**
 * Cuts a stream of bytes into frames. It holds at most one frame's bytes, never throws, and is whole again after the
 * next 0x00 whatever came before.
 */
export class FrameDecoder {
  /** Runs between two 0x00 that were no frame: broken stuffing, wrong CRC, too short or too long. */
  badFrames = 0
  readonly #held = new Uint8Array(maxEncoded)
  #length = 0
  #overrun = false

  /** The frames that `bytes` complete, in order. */
  push(bytes: Uint8Array): Frame[] {
    const frames: Frame[] = []
    for (const byte of bytes) {
      if (byte !== 0) this.#hold(byte)
      else {
        const frame = this.#close()
        if (frame !== undefined) frames.push(frame)
      }
    }
    return frames
  }

  #hold(byte: number): void {
    if (this.#length === maxEncoded) this.#overrun = true
    else this.#held[this.#length++] = byte
  }

  #close(): Frame | undefined {
    const empty = this.#length === 0
    const frame = empty || this.#overrun ? undefined : decodeFrame(this.#held.subarray(0, this.#length))
    if (!empty && frame === undefined) this.badFrames++
    this.#length = 0
    this.#overrun = false
    return frame
  }
}
