import type { Dice } from '../dice.ts'
import type { Client } from '../mqtt/client.ts'
import { type FaultKind, hostOf, type Scene } from './kind.ts'
import { wantWhatItHas } from './process.ts'

/** What may happen on the way between a process and the broker. */
export const lineFaults: readonly FaultKind[] = [
  ...(['mute', 'deaf', 'cut'] as const).map(
    (how): FaultKind => ({
      name: `line ${how}`,
      says: { mute: 'nothing that it sends arrives', deaf: 'nothing arrives at it', cut: 'neither way' }[how],
      on: 'process',
      mostPerMinute: 8,
      strike: onClient((scene, client, dice) => {
        const ms = dice.stretched(50, 4 * scene.world.ttlMs)
        client.cut(how !== 'deaf', how !== 'mute')
        scene.world.timeline.after(ms, () => client.mend())
        return `its line is ${how} for ${Math.round(ms)} ms`
      })
    })
  ),
  {
    name: 'line fades',
    says: 'answers come later and later, then nothing that it sends arrives',
    on: 'process',
    mostPerMinute: 8,
    strike: onClient(({ world: { timeline, ttlMs } }, client, dice) => {
      const ms = Math.max(2 * ttlMs, dice.stretched(50, 4 * ttlMs))
      client.delay(dice.between(0.2, 0.9) * ttlMs)
      timeline.after(dice.between(0, 0.5) * ttlMs, () => client.cut(true, false))
      timeline.after(ms, () => client.mend())
      return `its line fades for ${Math.round(ms)} ms`
    })
  },
  {
    name: 'connection dropped',
    says: 'the broker closes its connection, and publishes its will',
    on: 'process',
    mostPerMinute: 6,
    strike: onClient((_, client) => {
      client.drop('the broker closed it')
      return 'its connection to the broker is closed'
    })
  },
  {
    name: 'old will',
    says: 'the will of an earlier connection is published late, over newer words',
    on: 'process',
    mostPerMinute: 3,
    strike: ({ world }, victim) =>
      world.broker.publishOldWill(victim) ? 'the will of its first connection is published' : undefined
  },
  {
    name: 'message repeated',
    says: 'something that was once sent to it arrives again, though it is no longer true',
    on: 'process',
    mostPerMinute: 6,
    strike: onClient((_, client, dice) => {
      const topic = client.repeatHeard(dice)
      return topic === undefined ? undefined : `hears again what was once said on ${topic}`
    })
  },
  {
    name: 'request repeated',
    says: 'something that it once sent arrives again, late and out of order',
    on: 'process',
    mostPerMinute: 6,
    strike: onClient((_, client, dice) => {
      const topic = client.repeatSaid(dice)
      return topic === undefined ? undefined : `what it once sent to ${topic} arrives again`
    })
  },
  {
    name: 'garbage sent to it',
    says: 'something arrives that is no message: cut off, of other types, with names that harm',
    on: 'process',
    mostPerMinute: 4,
    strike: onClient((_, client, dice) => {
      const topic = client.hearGarbage(dice)
      return topic === undefined ? undefined : `hears garbage on ${topic}`
    })
  },
  {
    name: 'garbage sent by it',
    says: 'something that is no message arrives in its name',
    on: 'process',
    mostPerMinute: 4,
    strike: onClient((_, client, dice) => {
      const topic = client.sayGarbage(dice)
      return topic === undefined ? undefined : `garbage arrives in its name on ${topic}`
    })
  }
]

type OnClient = (scene: Scene, client: Client, dice: Dice) => string | undefined

function onClient(act: OnClient): FaultKind['strike'] {
  return (scene, victim, dice) => {
    const life = hostOf(scene, victim)?.life
    const client = life && scene.world.broker.clientsOf(life)[0]
    if (life === undefined || client === undefined) return undefined
    wantWhatItHas(scene, life, dice)
    return act(scene, client, dice)
  }
}
