import type { LocksmithHost } from '../programs/locksmith.ts'
import type { World } from '../world.ts'

interface StoredOperation {
  readonly operation: string
  readonly lock: string
  readonly outcome: string
  readonly fence: number
}

/** Promise 22: an unlock ends just the grant that the operator saw. */
export function judgeUnlock(world: World, locksmith: LocksmithHost): void {
  const seen = new Map<string, number>()
  locksmith.onRequest.push((text) => {
    const [, id = '', fence] =
      /^\{"op":"unlock","id":"(\w+)","lock":"[^"]*","fence":(\d+)[,}]/.exec(text) ?? []
    if (fence !== undefined && !seen.has(id)) seen.set(id, Number(fence))
  })
  locksmith.onCommit.push((changes) => {
    for (const { kind, value } of changes) {
      if (kind !== 'operation' || value === undefined) continue
      const { operation, lock, outcome, fence } = value as StoredOperation
      const saw = seen.get(operation)
      if (outcome !== 'cleared' || saw === undefined || saw === fence) continue
      world.violate(22, `${lock} (fence ${fence}) was cleared by an operator who had seen fence ${saw}`)
    }
  })
}
