import type { Device } from '../device/device.ts'
import { documentOf } from '../programs/pusher.ts'
import type { World } from '../world.ts'

/** Promise 12, for whoever reads along: a configuration file is at every moment one whole document that somebody has pushed. */
export function judgeFiles(world: World, devices: readonly Device[]): void {
  for (const device of devices) {
    device.onFile.push((path, text) => {
      const [, resource] = /^\/state\/config\/(aim|safety)(?:\.previous)?\.toml$/.exec(path) ?? []
      if (resource !== 'aim' && resource !== 'safety') return
      const version = Number(/^version = (\d+)$/m.exec(text)?.[1] ?? 0)
      const document = text.slice(text.indexOf('\n') + 1)
      if (document === documentOf(resource, version)) return
      world.violate(
        12,
        `${path} of ${device.name} was no whole document for a moment: ${JSON.stringify(text)}`
      )
    })
  }
}
