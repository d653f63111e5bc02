import type { Device } from '../device/device.ts'
import type { LocksmithHost } from '../programs/locksmith.ts'
import type { World } from '../world.ts'
import { Asked } from './asked.ts'
import { judgeBelief } from './belief.ts'
import { judgeBoot } from './boot.ts'
import { judgeBypass } from './bypass.ts'
import { judgeContact } from './contact.ts'
import { judgeDelay } from './delay.ts'
import { judgeExclusive } from './exclusive.ts'
import { judgeFences } from './fences.ts'
import { judgeFiles } from './files.ts'
import { judgeGhosts } from './ghosts.ts'
import { judgeGivenUp } from './given-up.ts'
import { judgeLiving } from './living.ts'
import { judgeMotion } from './motion.ts'
import { judgeOne } from './one.ts'
import { judgeOnset } from './onset.ts'
import { judgeOrder } from './order.ts'
import { judgeStale } from './stale.ts'
import { judgeStanding } from './standing.ts'
import { judgeStored } from './stored.ts'
import { judgeUnlock } from './unlock.ts'

import { judgeWaiters } from './waiters.ts'
import { judgeWaits } from './waits.ts'
import { judgeWord } from './word.ts'

/** Seats every judge; those returned want to look after each event. */
export function seatJudges(
  world: World,
  locksmith: LocksmithHost,
  devices: readonly Device[]
): readonly (() => void)[] {
  const asked = new Asked(locksmith, () => world.timeline.now)
  judgeFences(world, locksmith)
  judgeStale(world, locksmith, devices)
  judgeLiving(world, locksmith, asked)
  judgeStored(world, locksmith)
  judgeUnlock(world, locksmith)
  judgeWaits(world, locksmith)
  judgeOrder(world, locksmith, asked)
  judgeStanding(world, locksmith, devices)
  judgeFiles(world, devices)
  judgeBoot(world, devices)
  judgeBypass(world, locksmith, devices)
  judgeOnset(world, devices)
  judgeWord(world, locksmith, devices)
  return [
    judgeExclusive(world),
    judgeDelay(world, locksmith, asked),
    judgeGhosts(world, locksmith),
    judgeContact(world, locksmith),
    judgeGivenUp(world, locksmith, asked),
    judgeMotion(world, devices),
    judgeOne(world),
    judgeWaiters(world, locksmith),
    judgeBelief(world, locksmith)
  ]
}
