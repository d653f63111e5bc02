/** Speeds further apart than this garble bytes; a UART tolerates about half a bit over ten (Atmel recommends 2 %). */
const TOLERANCE = 0.04

export function sameBaud(one: number, other: number): boolean {
  return Math.abs(one - other) <= TOLERANCE * Math.max(one, other)
}

/**
 * What a receiver at `receiverBaud` makes of a byte that was sent as 8N1 at `senderBaud`: it samples the middle of each of its
 * own bits, from the edge of the start bit on; after the sender's stop bit the line is idle (high).
 */
export function resample(byte: number, senderBaud: number, receiverBaud: number): number {
  const frame = (byte << 1) | 0x200
  let received = 0
  for (let bit = 0; bit < 8; bit++) {
    const sent = Math.floor(((bit + 1.5) * senderBaud) / receiverBaud)
    const level = sent > 9 ? 1 : (frame >> sent) & 1
    received |= level << bit
  }
  return received
}
