/** The longest encoding of `length` bytes: one more, and one more for each 254 of them. */
export function cobsLimit(length: number): number {
  return length + 1 + Math.floor(length / 254)
}

/** Consistent Overhead Byte Stuffing (Cheshire and Baker 1999): the same bytes without any 0x00. The delimiter is not added. */
export function cobsEncode(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(cobsLimit(bytes.length))
  let codeAt = 0
  let end = 1
  for (const byte of bytes) {
    if (end - codeAt === 0xff) {
      out[codeAt] = 0xff
      codeAt = end++
    }
    if (byte === 0) {
      out[codeAt] = end - codeAt
      codeAt = end++
    } else out[end++] = byte
  }
  out[codeAt] = end - codeAt
  return out.subarray(0, end)
}

/** The bytes that were encoded, or undefined when `encoded` (without its delimiter) is no COBS. */
export function cobsDecode(encoded: Uint8Array): Uint8Array | undefined {
  const out = new Uint8Array(encoded.length)
  let length = 0
  let at = 0
  while (at < encoded.length) {
    const code = encoded[at++]!
    const blockEnd = at + code - 1
    if (code === 0 || blockEnd > encoded.length) return undefined
    while (at < blockEnd) {
      const byte = encoded[at++]!
      if (byte === 0) return undefined
      out[length++] = byte
    }
    if (code < 0xff && at < encoded.length) out[length++] = 0
  }
  return out.subarray(0, length)
}
