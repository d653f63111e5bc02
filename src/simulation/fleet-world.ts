import { Device, type DeviceOptions } from './device/device.ts'
import { seatJudges } from './judges/all.ts'
import { LocksmithHost } from './programs/locksmith.ts'
import { addOperator } from './programs/operator.ts'
import { addOwner } from './programs/owner.ts'
import { addPusher } from './programs/pusher.ts'
import { beginFaults, type Staged, type StageOptions } from './scene.ts'
import type { World } from './world.ts'

const PATHS = ['plant-1/arm-1', 'plant-1/arm-2', 'plant-2/arm-3']

/** Everything: devices with agents and controllers, pushers that change them, owners that stop them, an operator. */
export function buildFleetWorld(world: World, options: StageOptions = {}): Staged {
  const { dice } = world
  const locksmith = new LocksmithHost(world, world.machine('server'))
  locksmith.host.startIn(0)
  const paths = options.devices === undefined ? PATHS.slice(0, dice.whole(1, 3)) : pathsOf(options.devices)
  const devices = paths.map((path) => addDevice(world, path))
  const versions = new Map<string, number>()
  const nextVersion = (resource: string): number => {
    const version = (versions.get(resource) ?? 0) + 1
    versions.set(resource, version)
    return version
  }
  const [first = ''] = paths
  const scopes = ['*', first.slice(0, first.indexOf('/')), first]
  for (const name of ['pusher-1', 'pusher-2']) {
    addPusher(world, { name, scopes, nextVersion }).startIn(dice.between(1000, 20_000))
  }
  const wants = [['*:aim'], [`${scopes[1]}:aim`], ['*:safety'], [`${first}:safety`]]
  for (const name of ['tool-1', 'tool-2'].slice(0, dice.whole(0, 2))) {
    addOwner(world, { name, kind: 'tool', device: null, wants }).startIn(dice.between(0, 20_000))
  }
  if (dice.chance(0.5)) addOperator(world, dice.stretched(0.3, 6)).startIn(dice.between(0, 20_000))
  const dealer = beginFaults(world, locksmith, { devices, script: options.script })
  const all = devices.flatMap((device) => (device.twin === undefined ? [device] : [device, device.twin]))
  return {
    world,
    dealer,
    locksmith,
    devices,
    deviceCount: devices.length,
    judges: seatJudges(world, locksmith, all)
  }
}

/** A fleet of this size, by lines of twenty and plants of ten lines. */
const pathsOf = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => {
    const plant = 1 + Math.floor(at / 200)
    const line = 1 + (Math.floor(at / 20) % 10)
    return `plant-${plant}/line-${line}/arm-${at + 1}`
  })

function addDevice(world: World, path: string): Device {
  const { dice } = world
  const impatient = dice.chance(0.2)
  const options: DeviceOptions = {
    path,
    controllers: dice.pick([1, 1, 2, 2]),
    profile: {
      pauseBudget: impatient ? dice.pick(['20s', '60s']) : '10m',
      afterBudget: impatient && dice.chance(0.7) ? 'resume' : 'stay',
      onHostSilent: dice.chance(0.3) ? 'continue' : 'stop'
    }
  }
  const device = new Device(world, options)
  if (dice.chance(0.3)) device.twin = new Device(world, { ...options, copyOf: device })
  device.host.startIn(dice.between(0, 2000))
  world.register.describe(device.name, () => device.journal.step)
  return device
}
