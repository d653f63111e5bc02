import { Device } from './device/device.ts'
import { addDeviceFaults } from './device-faults.ts'
import { addCommonFaults, Faults } from './faults.ts'
import { judgeExclusive } from './judges/exclusive.ts'
import { judgeFences } from './judges/fences.ts'
import { judgeGhosts } from './judges/ghosts.ts'
import { judgeMotion } from './judges/motion.ts'
import { judgeStale } from './judges/stale.ts'
import type { Staged } from './locks-world.ts'
import { LocksmithHost } from './programs/locksmith.ts'
import { addOperator } from './programs/operator.ts'
import { addOwner } from './programs/owner.ts'
import { addPusher } from './programs/pusher.ts'
import type { World } from './world.ts'

const PATHS = ['plant-1/arm-1', 'plant-1/arm-2', 'plant-2/arm-3']

/** Everything: devices with agents and controllers, pushers that change them, owners that stop them, an operator. */
export function buildFleetWorld(world: World): Staged {
  const { dice } = world
  const faults = new Faults(world)
  const locksmith = new LocksmithHost(world, world.machine('server'))
  locksmith.host.startIn(0)
  const devices = PATHS.slice(0, dice.whole(1, 3)).map((path) => {
    const device = new Device(world, {
      path,
      controllers: dice.pick([1, 1, 2, 2]),
      cut: (life) => faults.cut(life)
    })
    device.host.startIn(dice.between(0, 2000))
    world.register.describe(device.name, () => device.journal.step)
    return device
  })
  const versions = new Map<string, number>()
  const nextVersion = (resource: string): number => {
    const version = (versions.get(resource) ?? 0) + 1
    versions.set(resource, version)
    return version
  }
  const scopes = ['*', 'plant-1', 'plant-1/arm-1']
  for (const name of ['pusher-1', 'pusher-2']) {
    addPusher(world, { name, scopes, nextVersion }).startIn(dice.between(1000, 20_000))
  }
  const wants = [['*:aim'], ['plant-1:aim'], ['*:safety'], ['plant-1/arm-1:safety']]
  for (const name of ['tool-1', 'tool-2'].slice(0, dice.whole(0, 2))) {
    addOwner(world, { name, kind: 'tool', device: null, wants }).startIn(dice.between(0, 20_000))
  }
  const rate = faults.rate(6)
  if (rate > 0) addOperator(world, rate).startIn(dice.between(0, 20_000))
  const rival = addCommonFaults(world, faults, locksmith)
  addDeviceFaults(world, { faults, rival }, devices)
  judgeFences(world, locksmith)
  judgeStale(world, locksmith, devices)
  return {
    world,
    faults,
    locksmith,
    devices,
    deviceCount: devices.length,
    judges: [judgeExclusive(world), judgeGhosts(world, locksmith), judgeMotion(world, devices)]
  }
}
