import { configHoldId } from '../rules/interlock.ts'
import type { ChangeDeps } from './change-deps.ts'
import { showDoubt } from './conclude.ts'
import { failureOf } from './failure.ts'
import type { Post } from './post.ts'

/**
 * A commit that awaits its confirmation, and of which the journal knows nothing (it was lost, or another host made it): it goes
 * back. While that is not done, the device stands.
 */
export async function settleStrays(deps: ChangeDeps): Promise<void> {
  for (const post of deps.guard.posts) {
    for (const [resource, stored] of post.stored) {
      if (!stored.verified && !knows(deps, resource)) await settleStray(deps, post, resource)
    }
  }
}

async function settleStray(deps: ChangeDeps, post: Post, resource: string): Promise<void> {
  try {
    const { verified, fence } = await post.controller.read(resource)
    if (!verified) await rollBack(deps, { post, resource, fence })
    post.stored.set(resource, await post.controller.read(resource))
  } catch (error) {
    const { code, why } = failureOf(error)
    deps.log.error({ event: 'stray-not-rolled-back', controller: post.name, resource, code }, why)
  }
}

const knows = ({ journal }: ChangeDeps, resource: string): boolean =>
  journal.state.unverified.has(resource) || journal.state.open?.change.resource === resource

interface Stray {
  readonly post: Post
  readonly resource: string
  readonly fence: number
}

async function rollBack(deps: ChangeDeps, { post, resource, fence }: Stray): Promise<void> {
  const why = `controller ${post.name} has an unverified commit of ${resource} (fence ${fence}) of unknown origin`
  deps.guard.raise({ id: configHoldId(resource), kind: 'config', owner: deps.name, why })
  deps.log.warn({ event: 'stray-commit', controller: post.name, resource, fence }, why)
  await deps.guard.standstill(deps.standstillMs)
  await post.controller.rollback(resource, fence)
  showDoubt(deps, resource)
}
