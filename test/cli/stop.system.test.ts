import assert from 'node:assert/strict'
import { test } from 'node:test'
import { oncePerPress } from '../../src/cli/stop.ts'
import { mosquittoMissing } from '../support/mosquitto.ts'
import { waitFor } from '../support/wait.ts'
import { grantOf, startFleet } from './program.ts'

test('a signal that comes again within half a second is the same key press: below npm each arrives twice', () => {
  const heard: string[] = []
  const clock = { nowMs: 0 }
  const hear = oncePerPress(
    (signal) => heard.push(`${signal} ${clock.nowMs}`),
    () => clock.nowMs
  )
  for (const [nowMs, signal] of [
    [0, 'SIGINT'],
    [1, 'SIGINT'],
    [2, 'SIGTERM'],
    [499, 'SIGINT'],
    [500, 'SIGINT'],
    [999, 'SIGINT'],
    [1000, 'SIGINT']
  ] as const) {
    clock.nowMs = nowMs
    hear(signal)
  }
  assert.deepEqual(heard, ['SIGINT 0', 'SIGTERM 2', 'SIGINT 500', 'SIGINT 1000'])
})

test('the first Ctrl-C asks for an orderly end, and one that is pressed again later ends the command at once', {
  skip: mosquittoMissing()
}, async (t) => {
  const fleet = await startFleet(t)
  const orderly = fleet.start('lock', '*:aim')
  await grantOf(orderly)
  orderly.signal('SIGINT')
  assert.deepEqual(await orderly.exited(), { code: 0, signal: null })
  assert.deepEqual(await fleet.json('locks'), [])

  const impatient = fleet.start('lock', '*:aim')
  await grantOf(impatient)
  // Nobody answers its release, for which it would wait.
  fleet.serve.signal('SIGSTOP')
  await waitFor('its end', () => {
    impatient.signal('SIGINT')
    return impatient.exit !== undefined
  })
  assert.equal(impatient.exit?.signal, 'SIGINT')
})
