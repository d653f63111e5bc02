import { devicePlays } from './devices.ts'
import { lockPlays } from './locks.ts'
import type { Play } from './stage.ts'

/** Every directed story, by its name. */
export const PLAYS: readonly Play[] = [...lockPlays, ...devicePlays]
