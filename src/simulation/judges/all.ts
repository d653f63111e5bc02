import type { Device } from '../device/device.ts'
import type { LocksmithHost } from '../programs/locksmith.ts'
import type { World } from '../world.ts'
import { Asked } from './asked.ts'
import { judgeContact } from './contact.ts'
import { judgeDelay } from './delay.ts'
import { judgeExclusive } from './exclusive.ts'
import { judgeFences } from './fences.ts'
import { judgeFiles } from './files.ts'
import { judgeGhosts } from './ghosts.ts'
import { judgeGivenUp } from './given-up.ts'
import { judgeMotion } from './motion.ts'
import { judgeOrder } from './order.ts'
import { judgeStale } from './stale.ts'
import { judgeStanding } from './standing.ts'

/** Seats every judge; those returned want to look after each event. */
export function seatJudges(
  world: World,
  locksmith: LocksmithHost,
  devices: readonly Device[]
): readonly (() => void)[] {
  const asked = new Asked(locksmith, () => world.timeline.now)
  judgeFences(world, locksmith)
  judgeStale(world, locksmith, devices)
  judgeGivenUp(world, locksmith, asked)
  judgeOrder(world, locksmith, asked)
  judgeStanding(world, locksmith, devices)
  judgeFiles(world, devices)
  return [
    judgeExclusive(world),
    judgeDelay(world, locksmith, asked),
    judgeGhosts(world, locksmith),
    judgeContact(world, locksmith),
    judgeMotion(world, devices)
  ]
}
