import type { Holder } from '../register.ts'
import type { World } from '../world.ts'

/** Promise 1: no two conflicting grants are valid at once, as their owners themselves judge it. */
export function judgeExclusive(world: World): () => void {
  return () => {
    const valid = world.register.holders.filter(({ life, grant }) => life.running && grant.leftMs() > 0)
    for (const [at, one] of valid.entries()) {
      for (const other of valid.slice(0, at)) {
        const clash = clashOf(one, other)
        if (clash !== undefined) world.violate(1, `${clash} are valid at once`)
      }
    }
  }
}

function clashOf(one: Holder, other: Holder): string | undefined {
  for (const a of one.grant.locks) {
    for (const b of other.grant.locks) {
      if (conflict(a.lock, b.lock)) {
        return `${a.lock} (fence ${a.fence}) of ${one.name} and ${b.lock} (fence ${b.fence}) of ${other.name}`
      }
    }
  }
  return undefined
}

/** Spelled out here once more, so that a mistake in the rules cannot blind the judge. */
export function conflict(one: string, other: string): boolean {
  const [scopeA = '', resourceA] = one.split(':')
  const [scopeB = '', resourceB] = other.split(':')
  return resourceA === resourceB && (isBelow(scopeA, scopeB) || isBelow(scopeB, scopeA))
}

/** Whether everything at `inner` lies below `outer`. */
export function isBelow(inner: string, outer: string): boolean {
  return outer === '*' || `${inner}/`.startsWith(`${outer}/`)
}
