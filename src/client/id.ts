const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const CHARACTERS = 20
/** What is drawn at once: a number below 2^25. */
const DRAWN_AT_ONCE = 5

/** An id that nobody else draws: 20 characters of 5 bits. */
export function makeId(random: () => number): string {
  let id = ''
  while (id.length < CHARACTERS) {
    const bits = Math.floor(random() * ALPHABET.length ** DRAWN_AT_ONCE)
    for (let at = 0; at < DRAWN_AT_ONCE; at += 1) id += ALPHABET[(bits >> (5 * at)) & 31]
  }
  return id
}
