import type { Device } from '../device/device.ts'
import type { LocksmithHost } from '../programs/locksmith.ts'
import type { World } from '../world.ts'
import { onGrant } from './grants.ts'

interface StoredPush {
  readonly id: string
  readonly under: { readonly lock: string; readonly fence: number } | null
  readonly devices: readonly { readonly device: string; readonly state: string }[]
}

/**
 * Promise 23: no update of a push together is sent before every device that it waits for has stood still since the grant. What
 * is sent shows in Locksmith's store, what stands in the controllers' own memory.
 */
export function judgeStanding(world: World, locksmith: LocksmithHost, devices: readonly Device[]): void {
  const grantedAt = new Map<number, number>()
  const stoodAt = new Map<Device, number>()
  const sent = new Set<string>()
  const stands = ({ boards }: Device): boolean => boards.every(({ trace }) => !trace.moving)
  for (const device of devices) {
    device.onBoard.push(() => {
      if (stands(device)) stoodAt.set(device, world.timeline.now)
    })
  }
  onGrant(locksmith, ({ locks, isNew }) => {
    if (isNew) for (const { fence } of locks) grantedAt.set(fence, world.timeline.now)
  })
  const look = ({ id, under, devices: addressed }: StoredPush): void => {
    const began = addressed.filter(({ device, state }) => state === 'sent' && !sent.has(`${id} ${device}`))
    for (const { device } of began) sent.add(`${id} ${device}`)
    const since = under === null ? undefined : grantedAt.get(under.fence)
    if (since === undefined || began.length === 0) return
    for (const { device: path, state } of addressed) {
      if (state !== 'waiting' && state !== 'sent') continue
      // Where two go by one name, either may have spoken.
      const named = devices.filter((device) => device.path === path)
      if (named.some((device) => stands(device) || (stoodAt.get(device) ?? 0) >= since)) continue
      const what = `an update under ${under?.lock} (fence ${under?.fence}) went to ${began[0]?.device}`
      world.violate(23, `${what}, though ${path} has not stood since the grant`)
    }
  }
  locksmith.onCommit.push((changes) => {
    for (const { kind, value } of changes)
      if (kind === 'push' && value !== undefined) look(value as StoredPush)
  })
}
