import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BadControllerConfig, createController } from '../../../firmware-bridge/drivers/index.ts'
import { HandTimers } from '../../support/hand-timers.ts'
import { Puppet } from '../../support/puppet-controller.ts'

const config = {
  name: 'axis',
  driver: 'native',
  port: '/dev/serial/by-id/axis',
  baudRate: 115_200,
  onHostSilent: 'stop'
} as const

test('the configured driver is made, over the line that is handed in', async (t) => {
  const timers = new HandTimers()
  const puppet = new Puppet()
  const controller = createController(config, { timers, line: puppet.line })
  t.after(() => controller.close())
  controller.open({})
  await timers.advance(50)
  assert.equal(controller.name, 'axis')
  assert.equal(controller.connected, true)
})

test('an unknown driver is refused with the names that are known', () => {
  const make = (driver: string) => () => createController({ ...config, driver }, { timers: new HandTimers() })
  assert.throws(make('grlb'), (error) => {
    return (
      error instanceof BadControllerConfig &&
      /axis: unknown driver "grlb"; known are: native/.test(error.message)
    )
  })
  assert.throws(make('constructor'), BadControllerConfig)
})

test('impossible numbers and an empty port are refused with words', () => {
  const bad = [
    { port: '' },
    { baudRate: 0 },
    { baudRate: Number.NaN },
    { silenceMs: 65_536 },
    { silenceMs: 0.5 }
  ]
  for (const change of bad) {
    const make = () => createController({ ...config, ...change }, { timers: new HandTimers() })
    assert.throws(make, BadControllerConfig)
  }
})
