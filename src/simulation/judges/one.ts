import type { Life } from '../life.ts'
import type { World } from '../world.ts'

/** Each is told of the other when it connects; they take the place at the broker from each other for a while. */
const SETTLE_MS = 10_000
/** Each connection costs several messages, one after the other. */
const SETTLE_MESSAGES = 30

/**
 * Promise 21: of two Locksmiths of one fleet one goes on, and the other ends, also when they live on copies of one store. Judged
 * while messages are not lost.
 */
export function judgeOne(world: World): () => void {
  const { broker, timeline } = world
  let both: readonly Life[] = []
  let since = 0
  return () => {
    const lives = world.hosts.flatMap(({ kind, life }) =>
      kind === 'locksmith' && life?.running === true ? [life] : []
    )
    const same = lives.length === both.length && lives.every((life, at) => life === both[at])
    const calm = broker.up && broker.weather.loss === 0 && broker.weather.late === 0
    if (lives.length < 2 || !same || !calm) {
      both = lives
      since = timeline.now
    }
    if (timeline.now - since > SETTLE_MS + SETTLE_MESSAGES * broker.weather.usualDelayMs)
      world.violate(
        21,
        `${lives.map(({ name }) => name).join(' and ')} serve the same fleet, and neither ends`
      )
  }
}
