import { Device, type DeviceOptions } from './device.ts'
import { Server } from './server.ts'
import type { Stage } from './stage.ts'

export interface Cast {
  readonly server: Server
  readonly devices: readonly Device[]
  /** The first of them. */
  readonly device: Device
}

/** Does something that is not shown: what leads to a story, or is the same in each. */
export async function unseen(stage: Stage, act: () => Promise<void>): Promise<void> {
  const select = stage.transcript.selection
  stage.show({ hide: [/./] })
  await act()
  stage.show(select)
}

/** Locksmith serves, and devices run on these paths. */
export async function cast(
  stage: Stage,
  paths: readonly string[],
  options: DeviceOptions = {}
): Promise<Cast> {
  const server = new Server(stage)
  const devices = paths.map((path) => new Device(stage, path, options))
  await unseen(stage, async () => {
    await server.open()
    for (const { program } of devices) program.start()
    await stage.until('the devices to run', () => devices.every(({ moves }) => moves))
    await stage.pass(10)
  })
  return { server, devices, device: devices[0] as Device }
}
