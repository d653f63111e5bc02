const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const BITS = 5
const CHARACTERS = 20
/** 45 bits of milliseconds last until the year 3084. */
const TIME_CHARACTERS = 9
/** What is drawn at once: a number below 2^25. */
const DRAWN_AT_ONCE = 5

/**
 * An id that nobody else draws: 20 characters of 5 bits. With a time it begins with that (as a ULID does), so that what is
 * stored one after another lies side by side in the store: a commit writes fewer pages.
 */
export function makeId(random: () => number, at?: Date): string {
  let id = at === undefined ? '' : timeOf(at)
  while (id.length < CHARACTERS) {
    const bits = Math.floor(random() * 2 ** (BITS * DRAWN_AT_ONCE))
    for (let one = 0; one < DRAWN_AT_ONCE; one += 1) id += ALPHABET[(bits >> (BITS * one)) & 31]
  }
  return id.slice(0, CHARACTERS)
}

/** Milliseconds, most significant character first. A clock that is none, or stands outside of what fits, counts as an end of it. */
function timeOf(at: Date): string {
  let rest = Math.min(Math.max(0, at.getTime() || 0), 2 ** (BITS * TIME_CHARACTERS) - 1)
  let time = ''
  for (let one = 0; one < TIME_CHARACTERS; one += 1) {
    time = ALPHABET[rest % 32] + time
    rest = Math.floor(rest / 32)
  }
  return time
}
