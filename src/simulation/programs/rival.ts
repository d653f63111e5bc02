import { Host, sleep } from '../host.ts'
import type { Life } from '../life.ts'
import type { World } from '../world.ts'
import { openOwner } from './owner.ts'

/** Somebody who wants a lock in the very moment in which its owner falls silent: the next grant under which a ghost may write. */
export class Rival {
  readonly #world: World
  readonly #host: Host
  #lock = ''

  constructor(world: World) {
    this.#world = world
    this.#host = new Host(world, {
      name: 'rival',
      kind: 'tool',
      machine: world.machine('rival'),
      // Only when it is called again.
      restartMs: () => Number.POSITIVE_INFINITY,
      main: (life) => this.#want(life).catch(() => undefined)
    })
  }

  wants(lock: string): void {
    if (this.#host.life !== undefined) return
    this.#lock = lock
    this.#host.startIn(20)
  }

  async #want(life: Life): Promise<void> {
    const { ttlMs, history, register } = this.#world
    const { connection, session } = openOwner(this.#world, life, {
      name: 'rival',
      kind: 'tool',
      device: null
    })
    const giveUp = new AbortController()
    life.clock.after(8 * ttlMs, () => giveUp.abort())
    const grant = await session.acquire({ locks: [this.#lock], wait: true, signal: giveUp.signal })
    history.note('rival', `was granted ${this.#lock} (fence ${grant.fence(this.#lock)})`)
    register.holds({ life, name: 'rival', grant })
    await sleep(life, 2 * ttlMs)
    await grant.release()
    await session.close()
    await connection.close()
  }
}
