import type { Board } from './device/board.ts'
import type { Device } from './device/device.ts'
import type { Faults } from './faults.ts'
import type { Rival } from './programs/rival.ts'
import type { World } from './world.ts'

interface DeviceFault {
  readonly name: string
  readonly mostPerMinute: number
  readonly act: (device: Device, board: Board) => void
}

/** What may happen to devices besides what happens to every process: now and then, or just when a change is at some step. */
export function addDeviceFaults(
  world: World,
  { faults, rival }: { faults: Faults; rival: Rival },
  devices: readonly Device[]
): void {
  const { dice } = faults
  const all = deviceFaults(world, faults)
  for (const { name, mostPerMinute, act } of all) {
    const strike = (): string => {
      const device = dice.pick(devices)
      const { step } = device.journal
      act(device, dice.pick(device.boards))
      return step
    }
    faults.add({ name, perMinute: faults.rate(mostPerMinute), strike })
  }
  const perStep = dice.chance(0.75) ? dice.stretched(0.01, 0.3) : 0
  for (const device of devices) {
    device.onJournal.push(() => {
      if (world.calm || !dice.chance(perStep)) return
      const { life } = device.host
      // Between the entry in the journal and what it speaks of.
      if (life !== undefined && dice.chance(0.4)) {
        faults.stop(life, dice.between(0, 2) * world.ttlMs)
        if (dice.chance(0.7)) rival.wants(`${device.path}:${device.journal.resource}`)
        return
      }
      const { name, act } = dice.pick(all)
      world.timeline.after(dice.stretched(0.1, 500), () => {
        if (world.calm) return
        faults.count(name, device.journal.step)
        act(device, dice.pick(device.boards))
      })
    })
  }
}

function deviceFaults(world: World, { dice }: Faults): readonly DeviceFault[] {
  const { history, timeline } = world
  const reset = (device: Device, board: Board): void => {
    history.note(device.name, `controller ${board.name} is reset`)
    board.reset()
  }
  const disturb = (device: Device, board: Board): void => {
    const ms = dice.stretched(50, 60_000)
    // Often so much that nothing comes through, as on a cable that is pulled.
    board.noise = dice.chance(0.5) ? 1 : dice.stretched(0.01, 1)
    history.note(device.name, `its line to ${board.name} is noisy for ${Math.round(ms)} ms`)
    timeline.after(ms, () => {
      board.noise = 0
    })
  }
  const powerCut = (device: Device): void => {
    history.note(device.name, 'its power is cut')
    device.host.life?.kill()
    device.host.machine.reboot()
    for (const board of device.boards) board.reset()
  }
  const fillDisk = ({ name, disk }: Device): void => {
    history.note(name, 'its disk is full')
    disk.full = true
    timeline.after(dice.stretched(50, 20_000), () => {
      disk.full = false
    })
  }
  return [
    { name: 'controller reset', mostPerMinute: 8, act: reset },
    { name: 'line noise', mostPerMinute: 8, act: disturb },
    { name: 'power cut', mostPerMinute: 4, act: powerCut },
    { name: 'device disk full', mostPerMinute: 2, act: fillDisk }
  ]
}
