import { type FleetConnection, openFleetConnection } from '../client/index.ts'
import { systemClock } from '../platform/clock.ts'
import { connectBroker } from '../platform/mqtt-connection.ts'

export interface WatchedDevice {
  readonly device: string
  readonly state: string
  readonly online: boolean
  readonly lastHeardMs?: number | null
  readonly holds: readonly { readonly kind: string; readonly owner: string; readonly lock?: string }[]
}

export interface WatchedLock {
  readonly lock: string
  readonly state: string
  readonly fence: number
  readonly owner: { readonly name: string } | null
  readonly phase: string | null
  readonly reason: string
  readonly heldMs: number
  readonly leaseLeftMs: number
  readonly waiters: readonly { readonly name: string; readonly waitedMs: number }[]
  readonly freedBy: { readonly what: string; readonly inMs: number | null } | null
}

/** What Locksmith said last, and when. */
export interface Answer {
  /** `performance.now()` when it was heard. */
  readonly atMs: number
  readonly devices: readonly WatchedDevice[]
  readonly locks: readonly WatchedLock[]
}

const FLEET = 'default'
const ANSWER_WITHIN_MS = 3000

/** Asks Locksmith about its fleet, over the broker as everybody else does. */
export class FleetWatch {
  readonly #connection: FleetConnection
  #asked = 0
  #answer: Answer | undefined

  constructor(url: string) {
    this.#connection = openFleetConnection({
      connect: connectBroker(url),
      clock: systemClock({ keepAlive: true }),
      fleet: FLEET,
      principal: 'demo-view',
      clientId: `demo-view-${process.pid}`
    })
  }

  get answer(): Answer | undefined {
    return this.#answer
  }

  /** Resolves with the answer, or with undefined when none came in time. */
  async ask(): Promise<Answer | undefined> {
    try {
      const [devices, locks] = await Promise.all([this.#query('devices'), this.#query('locks')])
      this.#answer = {
        atMs: performance.now(),
        devices: devices as WatchedDevice[],
        locks: locks as WatchedLock[]
      }
      return this.#answer
    } catch {
      return undefined
    }
  }

  async #query(what: 'devices' | 'locks'): Promise<unknown> {
    this.#asked += 1
    const id = `view-${process.pid}-${this.#asked}`
    return (await this.#connection.call({ op: 'query', id, what }, 'answer', ANSWER_WITHIN_MS)).data
  }

  close(): Promise<void> {
    return this.#connection.close()
  }
}
