import { randomInt } from 'node:crypto'

const STEPS = 2 ** 47

/** Random in [0, 1) from the system's own source: ids of different processes must not collide. */
export const random = (): number => randomInt(STEPS) / STEPS
