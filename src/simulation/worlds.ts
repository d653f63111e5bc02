import { PLAYS } from './directed/plays.ts'
import { type Play, Stage } from './directed/stage.ts'
import { Dealer } from './faults/dealer.ts'
import { buildFleetWorld } from './fleet-world.ts'
import { seatJudges } from './judges/all.ts'
import { buildLocksWorld } from './locks-world.ts'
import { Rival } from './programs/rival.ts'
import type { Staged, StageOptions } from './scene.ts'
import type { World } from './world.ts'

/** Where a seed can play: under a crowd of owners, in a whole fleet, or in one of the directed stories. */
export const WORLD_NAMES: readonly string[] = ['locks', 'fleet', ...PLAYS.map(({ name }) => name)]

/** This part of the seeds has no controllers, and this part is directed; the rest is fleets. */
const LOCKS_ONLY = 0.4
const DIRECTED = 0.1

/** Builds the world that was asked for, else one that is drawn. @throws Error for a name that no world has */
export function buildWorld(world: World, options: StageOptions): Staged {
  const drawn = world.dice.next()
  const name = options.world ?? (options.devices === undefined ? nameAt(world, drawn) : 'fleet')
  if (name === 'locks') return buildLocksWorld(world, options)
  if (name === 'fleet') return buildFleetWorld(world, options)
  const play = PLAYS.find((one) => one.name === name)
  if (play === undefined) throw new Error(`there is no world "${name}"; there are: ${WORLD_NAMES.join(', ')}`)
  return buildDirectedWorld(world, play)
}

function nameAt({ dice }: World, drawn: number): string {
  if (drawn < LOCKS_ONLY) return 'locks'
  return drawn < LOCKS_ONLY + DIRECTED ? dice.pick(PLAYS).name : 'fleet'
}

/** No fault strikes but those that the story tells of. */
function buildDirectedWorld(world: World, play: Play): Staged {
  const stage = new Stage(world, play)
  const { locksmith, devices } = stage
  const dealer = new Dealer({ world, locksmith, devices, rival: new Rival(world) }, [])
  const judges = seatJudges(world, locksmith, devices)
  stage.begin(play.act)
  return { world, dealer, locksmith, devices, deviceCount: devices.length, judges, stage }
}
