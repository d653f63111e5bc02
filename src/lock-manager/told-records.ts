import type { LockRecord } from '../protocol/messages.ts'
import type { Fleet, Lock } from '../rules/fleet.ts'
import { phaseOf } from '../rules/request.ts'
import { namesWaiting } from './views.ts'

/**
 * What the retained records say of things that change without their lock: who waits, and what the owner is doing. Nothing is
 * published at such a change, for it comes with every acquire; a sweep finds the records that have gone stale.
 */
export class ToldRecords {
  /** By lock; those that tell of nobody and nothing are left out. */
  readonly #told = new Map<string, string>()

  note({ lock, phase, waiters }: LockRecord): void {
    const names = waiters.map(({ name }) => name)
    if (phase === null && names.length === 0) this.#told.delete(lock)
    else this.#told.set(lock, signOf(phase, names))
  }

  /** Locks whose record is no longer right. */
  stale(fleet: Fleet): string[] {
    const someWait = !fleet.waiters.values().next().done
    const live = [...(someWait ? fleet.locks : fleet.busy).values()]
    const names = new Set([...this.#told.keys(), ...live.map(({ name }) => name)])
    return [...names].filter((name) => {
      const lock = fleet.locks.get(name)
      return lock !== undefined && signNow(fleet, lock) !== (this.#told.get(name) ?? NOTHING)
    })
  }
}

const signOf = (phase: string | null, waiting: readonly string[]): string => [phase ?? '', ...waiting].join()
const NOTHING = signOf(null, [])

const signNow = (fleet: Fleet, lock: Lock): string =>
  signOf(phaseOf(fleet, lock) || null, namesWaiting(fleet, lock))
