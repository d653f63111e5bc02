import type { Device } from '../device/device.ts'
import type { LocksmithHost } from '../programs/locksmith.ts'
import type { World } from '../world.ts'
import { judgeExclusive } from './exclusive.ts'
import { judgeFences } from './fences.ts'
import { judgeGhosts } from './ghosts.ts'
import { judgeMotion } from './motion.ts'
import { judgeStale } from './stale.ts'

/** Seats every judge; those returned want to look after each event. */
export function seatJudges(
  world: World,
  locksmith: LocksmithHost,
  devices: readonly Device[]
): readonly (() => void)[] {
  judgeFences(world, locksmith)
  judgeStale(world, locksmith, devices)
  return [judgeExclusive(world), judgeGhosts(world, locksmith), judgeMotion(world, devices)]
}
