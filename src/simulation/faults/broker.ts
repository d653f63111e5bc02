import type { Dice } from '../dice.ts'
import type { FaultKind, Scene } from './kind.ts'

/** What may happen to the broker, or to everybody's lines at once. */
export const brokerFaults: readonly FaultKind[] = [
  {
    name: 'broker restarts',
    says: 'with all that it had retained',
    on: 'broker',
    mostPerMinute: 3,
    strike: (scene, _, dice) => restart(scene, 'kept', dice)
  },
  {
    name: 'broker restarts, old',
    says: 'with what it had retained at its last save, long ago',
    on: 'broker',
    mostPerMinute: 2,
    strike: (scene, _, dice) => restart(scene, 'saved', dice)
  },
  {
    name: 'broker restarts, empty',
    says: 'with nothing retained',
    on: 'broker',
    mostPerMinute: 2,
    strike: (scene, _, dice) => restart(scene, 'empty', dice)
  },
  {
    name: 'retained forgotten',
    says: 'a few of the messages that the broker retains are gone',
    on: 'broker',
    mostPerMinute: 2,
    strike: ({ world }, _, dice) => {
      if (world.timeline.now < world.rememberUntil) return undefined
      world.forgotAt = world.timeline.now
      return `forgets ${world.broker.forget(dice)} retained messages`
    }
  },
  {
    name: 'everybody dropped',
    says: 'the broker closes all connections',
    on: 'broker',
    mostPerMinute: 2,
    strike: ({ world: { broker } }) => {
      if (!broker.up) return undefined
      for (const client of broker.clients) client.drop('the broker closed it')
      return 'closes all connections'
    }
  },
  {
    name: 'storm',
    says: 'for a while half of what may be lost is lost, and the rest comes late, twice, and in another order between topics',
    on: 'broker',
    mostPerMinute: 2,
    strike: ({ world: { broker, timeline, ttlMs } }, _, dice) => {
      const ms = dice.stretched(200, 4 * ttlMs)
      const loss = dice.between(0.1, 0.6)
      broker.storm({ loss, duplicates: 0.3, late: 0.3, latestMs: dice.stretched(50, 2 * ttlMs) })
      timeline.after(ms, () => broker.storm(undefined))
      return `all lines are bad for ${Math.round(ms)} ms`
    }
  }
]

function restart({ world }: Scene, memory: 'kept' | 'saved' | 'empty', dice: Dice): string | undefined {
  const { history, timeline, broker } = world
  // It may be the only one that knows what a restored store has lost.
  if (!broker.up || (memory !== 'kept' && timeline.now < world.rememberUntil)) return undefined
  if (memory !== 'kept') world.forgotAt = timeline.now
  const ms = dice.stretched(20, 10_000)
  broker.crash()
  timeline.after(ms, () => {
    if (broker.up) return
    history.note('broker', `is up; what it retains is ${memory}`)
    broker.restart(memory)
  })
  return `is down for ${Math.round(ms)} ms`
}
