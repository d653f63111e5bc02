import { seatJudges } from './judges/all.ts'
import { LocksmithHost } from './programs/locksmith.ts'
import { addOperator } from './programs/operator.ts'
import { addOwner } from './programs/owner.ts'
import { beginFaults, type Staged, type StageOptions } from './scene.ts'
import type { World } from './world.ts'

/** Lock manager and client alone, under a crowd of owners: no controllers, so that much time passes in a second. */
export function buildLocksWorld(world: World, { script }: StageOptions = {}): Staged {
  const { dice } = world
  const locksmith = new LocksmithHost(world, world.machine('server'))
  locksmith.host.startIn(0)
  const devices = ['plant-1/arm-1', 'plant-1/arm-2', 'plant-2/arm-3'].slice(0, dice.whole(1, 3))
  for (const device of devices) {
    const name = device.slice(device.lastIndexOf('/') + 1)
    const wants = [[`${device}:aim`], [`${device}:aim`, `${device}:safety`]]
    addOwner(world, { name, kind: 'agent', device, wants }).startIn(dice.between(0, 2000))
  }
  const wide = [
    ['*:aim'],
    ['plant-1:aim'],
    ['plant-1/arm-1:aim'],
    ['plant-1:aim', 'plant-2:safety'],
    ['*:safety']
  ]
  for (let tool = 1; tool <= dice.whole(2, 4); tool += 1) {
    const kind = dice.pick(['tool', 'push'] as const)
    // Two programs of one name stand beside each other.
    const name = tool === 4 ? 'tool-1' : `tool-${tool}`
    addOwner(world, { name, kind, device: null, wants: wide }).startIn(dice.between(0, 5000))
  }
  if (dice.chance(0.5)) addOperator(world, dice.stretched(0.5, 10)).startIn(dice.between(0, 10_000))
  const dealer = beginFaults(world, locksmith, { devices: [], script })
  return {
    world,
    dealer,
    locksmith,
    devices: [],
    deviceCount: devices.length,
    judges: seatJudges(world, locksmith, [])
  }
}
