import type { LocksmithHost } from '../programs/locksmith.ts'
import type { OpenAsk } from '../register.ts'
import type { World } from '../world.ts'

const LOOK_EVERY_MS = 100

/**
 * Promise 7: every waiter is granted, refused, or told its place. Time counts while the waiter runs, its line works both ways,
 * and Locksmith and broker run; what is lost is asked for again with every heartbeat.
 */
export function judgeWaiters(world: World, locksmith: LocksmithHost): () => void {
  const { ttlMs, timeline, register, broker } = world
  const bound = 6 * ttlMs + 10_000
  let lookedAt = 0
  const works = ({ life }: OpenAsk): boolean =>
    life.running && broker.clientsOf(life).every((client) => client.connected && !client.troubled)
  return () => {
    const { now } = timeline
    if (now - lookedAt < LOOK_EVERY_MS) return
    lookedAt = now
    const serves = locksmith.serving && broker.up && !broker.stormy
    for (const ask of register.openAsks) {
      if (!serves || !works(ask)) ask.waitsSince = now
      const ms = Math.round(now - ask.waitsSince)
      if (ms > bound)
        world.violate(
          7,
          `${ask.name} has asked for ${ask.locks.join(', ')} ${ms} ms ago, and was told nothing`
        )
    }
  }
}
