import type { CommitChanges, LocksmithHost } from '../programs/locksmith.ts'
import type { World } from '../world.ts'

interface StoredGrant {
  readonly request: string
  readonly name: string
  readonly locks: readonly { readonly lock: string; readonly fence: number }[]
  readonly ended: unknown
}

interface StoredFloor {
  readonly name: string
  readonly state?: string
  readonly fence: number
  readonly floor: number
}

/** Promise 2: fences only grow, and the floor moves at every ending. Judged from what becomes durable in Locksmith's store. */
export function judgeFences(world: World, locksmith: LocksmithHost): void {
  const granted = new Set<string>()
  const floors = new Map<string, StoredFloor>()
  const drawn = new Set<number>()
  let highest = 0
  let twinHighest = 0
  const take = (changes: CommitChanges): void => {
    for (const { kind, key, value } of changes) {
      if (kind === 'grant' && value !== undefined && !granted.has(key)) {
        granted.add(key)
        const { name, locks } = value as StoredGrant
        for (const { lock, fence } of locks) {
          if (drawn.has(fence))
            world.violate(2, `${name} got fence ${fence} for ${lock}, which was granted before`)
          drawn.add(fence)
          if (fence <= highest) {
            world.violate(
              2,
              `${name} got fence ${fence} for ${lock}, and fence ${highest} was granted before`
            )
          }
        }
        highest = Math.max(highest, ...locks.map(({ fence }) => fence))
      }
      if (kind === 'lock' && value !== undefined) takeFloor(value as StoredFloor)
    }
  }
  /** Two that grant at once draw from blocks of their own: no fence twice, and none below what was granted before the twin began. */
  const takeTwin = (changes: CommitChanges): void => {
    for (const { kind, key, value } of changes) {
      if (kind !== 'grant' || value === undefined || granted.has(key)) continue
      granted.add(key)
      const { name, locks } = value as StoredGrant
      for (const { lock, fence } of locks) {
        if (drawn.has(fence))
          world.violate(2, `${name} got fence ${fence} for ${lock} from a second Locksmith, too`)
        drawn.add(fence)
        twinHighest = Math.max(twinHighest, fence)
      }
    }
  }
  const takeFloor = (lock: StoredFloor): void => {
    if (lock.state !== 'held' && lock.fence > 0 && lock.floor <= lock.fence)
      world.violate(2, `${lock.name} is ${lock.state}, and its floor still lets fence ${lock.fence} pass`)
    const before = floors.get(lock.name)
    if (before !== undefined && (lock.floor < before.floor || lock.fence < before.fence)) {
      world.violate(2, `${lock.name} went back from ${JSON.stringify(before)} to ${JSON.stringify(lock)}`)
    }
    floors.set(lock.name, { name: lock.name, fence: lock.fence, floor: lock.floor })
  }
  locksmith.onCommit.push(take)
  locksmith.onTwinCommit.push(takeTwin)
  // An old store is no step back of a rule; what is granted from then on is judged as ever.
  locksmith.onRestore.push(() => {
    floors.clear()
    highest = Math.max(highest, twinHighest)
  })
}
