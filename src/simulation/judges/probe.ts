import type { Grant } from '../../client/index.ts'
import type { Device } from '../device/device.ts'
import { Host } from '../host.ts'
import type { Life } from '../life.ts'
import { openOwner } from '../programs/owner.ts'
import type { World } from '../world.ts'
import { unexplained } from './report.ts'

const LOCKS = ['*:aim', '*:safety']
const SLACK_MS = 5000
const LOOK_MS = 100
/** To connect, and four round trips (hello, two heartbeats, acquire) of four messages that take up to 1.5 times the usual. */
const TRIPS = 26
/** How long a device may take from hearing of a lock to standing and saying so; the shortest maxHold is longer. */
const STANDS_MS = 2500

/**
 * When all is quiet somebody asks for the whole fleet. Promise 7: it is granted. Promise 10: every device then stands, and says
 * why; afterwards it moves again, which is judged by whoever calls.
 */
export async function probe(world: World, devices: readonly Device[], look: () => void): Promise<void> {
  const { ttlMs, timeline } = world
  const pass = (ms: number): Promise<void> => timeline.run(timeline.now + ms, look)
  const asker = new Asker(world)
  const until = timeline.now + ttlMs + SLACK_MS + TRIPS * world.broker.weather.usualDelayMs
  while (asker.grant === undefined && timeline.now < until && world.violation === undefined)
    await pass(LOOK_MS)
  if (asker.grant === undefined)
    return world.violate(7, `nobody has ${LOCKS.join(', ')}, and it is not granted`)
  await pass(ttlMs / 3 + STANDS_MS)
  for (const device of devices) {
    // Others may have resumed by a rule of their own.
    const why = device.profile.afterBudget === 'stay' ? unexplained(world, device, LOCKS) : undefined
    if (why !== undefined) world.violate(10, `${device.name}: ${why}`)
  }
  void asker.grant.release()
  await pass(2 * ttlMs + SLACK_MS)
}

class Asker {
  grant: Grant | undefined
  readonly #world: World

  constructor(world: World) {
    this.#world = world
    const host = new Host(world, {
      name: 'probe',
      kind: 'tool',
      stays: true,
      machine: world.machine('probe'),
      main: (life) => this.#ask(life),
      restartMs: () => Number.POSITIVE_INFINITY
    })
    host.startIn(0)
  }

  async #ask(life: Life): Promise<void> {
    const { session } = openOwner(this.#world, life, { name: 'probe', kind: 'tool', device: null })
    this.grant = await session.acquire({ locks: LOCKS, wait: true })
    await new Promise(() => undefined)
  }
}
