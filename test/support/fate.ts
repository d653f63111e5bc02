import assert from 'node:assert/strict'
import type { FleetSession, Grant } from '../../src/client/index.ts'
import type { House } from './test-locksmith.ts'

/** What became of a promise by now. */
export interface Fate<T> {
  value: T | undefined
  error: (Error & { code?: string }) | undefined
}

export function follow<T>(promise: Promise<T>): Fate<T> {
  const fate: Fate<T> = { value: undefined, error: undefined }
  promise.then(
    (value) => {
      fate.value = value
    },
    (error: Error) => {
      fate.error = error
    }
  )
  return fate
}

export const aside = { qos: 1, retain: false } as const

/** An operator clears what he sees. */
export function clear(house: House, lock: string): void {
  const fence = house.record(lock)?.fence
  house.say('operator', { op: 'unlock', id: `clear-${lock}`, lock, fence, reason: 'a trial', graceMs: 0 })
}

export async function granted(house: House, session: FleetSession, lock = '*:aim'): Promise<Grant> {
  const fate = follow(session.acquire({ locks: [lock], wait: true }))
  await house.clock.advance(1000)
  assert.ok(fate.value, `${lock} is granted`)
  return fate.value
}
