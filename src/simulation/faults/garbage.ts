import type { Dice } from '../dice.ts'

/** A message that is none any more: cut off, spoilt, of other types, with names that harm, or nested without end. */
export function garbageOf(text: string, dice: Dice): string {
  const kind = dice.whole(0, 5)
  if (kind === 0) return text.slice(0, dice.whole(0, Math.max(0, text.length - 1)))
  if (kind === 1) return text.replace(/"(op|lock|resource|device|instance)":"[^"]*"/, '"$1":{"__proto__":[]}')
  if (kind === 2) return text.replace(/:(\d+)/, ':"$1"')
  if (kind === 3) return `${'['.repeat(20_000)}${text}`
  if (kind === 4) return text.replace('{', '{"__proto__":{"op":"heartbeat"},"constructor":1,"')
  return `\u0000${text.slice(1)}\uffff`
}
