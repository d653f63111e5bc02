import type { LocksmithHost } from '../programs/locksmith.ts'
import type { World } from '../world.ts'

interface Granted {
  readonly op: string
  readonly locks: readonly { readonly lock: string; readonly fence: number }[]
}

/** Promise 9: what is granted is on the disk before anybody is told. */
export function judgeStored(world: World, locksmith: LocksmithHost): void {
  locksmith.onReply.push((text) => {
    if (!text.includes('"op":"granted"') || !locksmith.serving) return
    const { op, locks } = JSON.parse(text) as Granted
    if (op !== 'granted') return
    for (const { lock, fence } of locks) {
      const row = locksmith.disk.rows.get(`lock/${lock}`)?.value as { readonly fence: number } | undefined
      if (row !== undefined && row.fence >= fence) continue
      world.violate(9, `${lock} (fence ${fence}) is told to be granted, and the disk does not know of it`)
    }
  })
}
