import type { Board } from './device/board.ts'
import type { Device } from './device/device.ts'
import type { Faults } from './faults.ts'
import type { World } from './world.ts'

/** What may happen to devices besides what happens to every process. */
export function addDeviceFaults(world: World, faults: Faults, devices: readonly Device[]): void {
  const { dice } = faults
  const { history, timeline } = world
  const onBoard = (act: (device: Device, board: Board) => void) => (): string => {
    const device = dice.pick(devices)
    const state = device.journal.step
    act(device, dice.pick(device.boards))
    return state
  }
  const reset = (device: Device, board: Board): void => {
    history.note(device.name, `controller ${board.name} is reset`)
    board.reset()
  }
  const disturb = (device: Device, board: Board): void => {
    const ms = dice.stretched(50, 20_000)
    board.noise = dice.stretched(0.01, 1)
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
  faults.add({ name: 'controller reset', perMinute: faults.rate(8), strike: onBoard(reset) })
  faults.add({ name: 'line noise', perMinute: faults.rate(8), strike: onBoard(disturb) })
  faults.add({ name: 'power cut', perMinute: faults.rate(4), strike: onBoard(powerCut) })
  faults.add({ name: 'device disk full', perMinute: faults.rate(2), strike: onBoard(fillDisk) })
}
