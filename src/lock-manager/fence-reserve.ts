import type { Clock } from '../platform/clock.ts'
import type { Log } from '../platform/logger.ts'
import { FENCE_BLOCK } from '../rules/continuity.ts'
import type { Fleet } from '../rules/fleet.ts'
import { reserveFences, withholdFences } from '../rules/start.ts'
import { type FenceFile, readFenceFile } from './fence-file.ts'
import type { Ledger } from './ledger.ts'
import { STORE_AGAIN_MS } from './store-health.ts'

export interface FenceReserveOptions {
  readonly fleet: Fleet
  readonly ledger: Ledger
  readonly fenceFile: FenceFile
  readonly clock: Clock
  readonly log: Log
  /** The bound is durable here; `status` is to tell it as well. */
  readonly reserved: () => void
}

/** Keeps fences at hand whose upper bound is durable in the store, in the fence file and in `status`: none other is granted. */
export class FenceReserve {
  /** What the file knew when this Locksmith started. */
  readonly fileLimit: number
  readonly #o: FenceReserveOptions
  #notBefore = Number.NEGATIVE_INFINITY

  /** @throws StoreError when the file cannot be used */
  constructor(options: FenceReserveOptions) {
    this.#o = options
    this.fileLimit = readFenceFile(options.fenceFile)
  }

  /** Makes the bound of the next block durable in the store, then in the file; only then are its fences granted. */
  reserve(): boolean {
    const { fleet, ledger, log, reserved } = this.#o
    const { meta } = fleet
    const limit = meta.fenceNext + FENCE_BLOCK
    reserveFences(fleet, limit)
    if (!ledger.commit()) return false
    try {
      this.#o.fenceFile.write(limit)
    } catch (error) {
      withholdFences(fleet, meta.fenceLimit)
      fleet.keep()
      log.error({ event: 'fence-file', error }, 'the fence file could not be written')
      return false
    }
    reserved()
    return true
  }

  /** False when it has to be tried again in a while: a quarter of a block is left until then. */
  reserveIfLow(): boolean {
    const { fenceLimit, fenceNext } = this.#o.fleet.meta
    if (fenceLimit - fenceNext >= FENCE_BLOCK / 4) return true
    const now = this.#o.clock.now()
    if (now < this.#notBefore) return false
    if (this.reserve()) return true
    this.#notBefore = now + STORE_AGAIN_MS
    return false
  }
}
