import assert from 'node:assert/strict'
import { test } from 'node:test'
import { everyCron } from '../../src/platform/cron.ts'
import { HandClock } from '../support/hand-clock.ts'

/** A wall clock that somebody sets. */
class SetClock extends HandClock {
  setByMs = 0

  override wall(): Date {
    return new Date(super.wall().getTime() + this.setByMs)
  }
}

test('when the wall clock is set, forward or back, what waits for a time of it is begun anew; else it is left alone', async () => {
  const clock = new SetClock()
  const tasks: { destroyed: boolean }[] = []
  const schedule = () => {
    const task = { destroyed: false }
    tasks.push(task)
    return { destroy: () => (task.destroyed = true) }
  }
  const cron = everyCron('*/5 * * * * *', () => undefined, { clock, schedule })
  const alive = (): boolean[] => tasks.map(({ destroyed }) => !destroyed)
  await clock.advance(60_000)
  assert.deepEqual(alive(), [true])
  clock.setByMs = -9 * 3_600_000
  await clock.advance(6000)
  assert.deepEqual(alive(), [false, true])
  clock.setByMs = 0
  await clock.advance(6000)
  assert.deepEqual(alive(), [false, false, true])
  await clock.advance(60_000)
  cron.stop()
  assert.deepEqual([alive(), clock.pending], [[false, false, false], 0])
})
