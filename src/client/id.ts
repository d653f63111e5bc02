const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/** An id that nobody else draws: 20 characters of 5 bits. */
export const makeId = (random: () => number): string =>
  Array.from({ length: 20 }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join('')
