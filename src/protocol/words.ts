import * as z from 'zod'

/** What moves a cursor, colours, begins a line, or turns the direction of what follows. */
const STEERING = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu

/** Words that a principal says and an operator reads, on a terminal: they stay one line, and look like nothing else. */
export const words = (most: number) =>
  z
    .string()
    .max(most)
    .overwrite((text) => text.replace(STEERING, ' '))
