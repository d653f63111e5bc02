import { createHash } from 'node:crypto'
import type { LockFence } from '../../rules/fleet.ts'
import { documentOf } from '../programs/pusher.ts'
import type { World } from '../world.ts'
import { Program } from './program.ts'

export interface PushOptions {
  readonly name: string
  readonly resource: 'aim' | 'safety'
  readonly version: number
  readonly scope: string
  readonly together?: boolean
}

const REPEAT_MS = 200

/** A program that brings a document to devices, and stays until it is told what became of it. */
export function startPush(world: World, options: PushOptions): Program {
  const { name, resource, version, scope } = options
  const main = async (program: Program): Promise<void> => {
    world.history.note(name, `pushes ${resource} version ${version} to ${scope}`)
    const { together = false } = options
    const grant = together ? await program.acquire([`${scope}:${resource}`]) : undefined
    const ask = askFor(options, program.id(), grant?.locks[0] ?? null)
    for (;;) {
      const { state } = await program.session.request(ask, 'push', { under: grant })
      if (state !== 'open' || program.hasEnough) break
      await program.sleep(REPEAT_MS)
    }
    world.history.note(name, 'lets go')
    await grant?.release()
  }
  return new Program(world, { name, kind: 'push', main })
}

function askFor({ resource, version, scope }: PushOptions, id: string, under: LockFence | null) {
  const document = documentOf(resource, version)
  const digest = createHash('sha256').update(document).digest('hex')
  const push = { op: 'push', id, resource, version, document, digest, scope, under, atOnce: 8 } as const
  return (session: number, seq: number) => ({ ...push, session, seq })
}
