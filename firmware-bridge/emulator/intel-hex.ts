/** Flash of an ATmega328P in words. */
export const FLASH_WORDS = 0x4000

/** An image that is not sound Intel hex, or does not fit. */
export class HexError extends Error {
  constructor(line: number, why: string) {
    super(`firmware image, line ${line}: ${why}; build it again with make -C firmware-bridge/firmware`)
    this.name = 'HexError'
  }
}

/** Reads an Intel .hex image into program words; what the image leaves out is erased flash (0xFFFF). Throws {@link HexError}. */
export function parseIntelHex(text: string): Uint16Array {
  const bytes = new Uint8Array(FLASH_WORDS * 2).fill(0xff)
  let ended = false
  text.split(/\r?\n/).forEach((line, index) => {
    if (line.trim() === '' || ended) return
    ended = readRecord(line.trim(), index + 1, bytes)
  })
  if (!ended) throw new HexError(1, 'there is no end record, the file is cut short')
  return new Uint16Array(bytes.buffer)
}

/** Applies one record; true for the end record. */
function readRecord(line: string, number: number, flash: Uint8Array): boolean {
  if (!/^:([0-9a-f]{2}){5,}$/i.test(line)) throw new HexError(number, 'not an Intel hex record')
  const record = Uint8Array.from(Buffer.from(line.slice(1), 'hex'))
  if (record.reduce((sum, byte) => (sum + byte) & 0xff, 0) !== 0) throw new HexError(number, 'wrong checksum')
  const [length = 0, high = 0, low = 0, type = 0] = record
  if (record.length !== length + 5) throw new HexError(number, 'wrong length')
  if (type === 1) return true
  // Segment and linear base records only matter above 64 KiB, where this chip has nothing; a base of zero is common.
  if (type !== 0) {
    if ((type === 2 || type === 4) && record.subarray(4, 4 + length).some((byte) => byte !== 0))
      throw new HexError(number, 'address beyond the flash of an ATmega328P')
    return false
  }
  const address = (high << 8) | low
  if (address + length > flash.length) throw new HexError(number, 'address beyond the flash of an ATmega328P')
  flash.set(record.subarray(4, 4 + length), address)
  return false
}
