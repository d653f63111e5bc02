import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aim, DeviceWorld } from '../support/device-world.ts'

const MANY = 500

test('a flood of garbage on the topics of a device is a handful of lines, and the device does its work', async () => {
  const world = new DeviceWorld()
  await world.running()
  for (let at = 0; at < MANY; at += 1) {
    world.broker.publish(world.topics.lock('*:aim'), `{"lock":"*:aim","state":${at}}`)
    world.broker.publish(world.topics.update('arm-7', 'aim'), `{"push":"p-${at}"}`)
    world.broker.publish(world.topics.agent('arm-7'), `{"state":${at}}`)
    await world.pass(10)
  }
  assert.equal((await world.pushed(aim(16, 0.5))).outcome, 'applied')
  await world.settled('the end', world.agent.stop())
  for (const event of ['record-malformed', 'update-refused', 'outcome-refused', 'state-corrected']) {
    const lines = world.life.logged.filter((line) => line.event === event)
    assert.ok(lines.length > 0 && lines.length < 10, `${lines.length} lines of ${event}`)
  }
  const records = world.life.logged.filter((line) => line.event === 'record-malformed')
  assert.equal(
    records.reduce((sum, { leftOut = 1 }) => sum + Number(leftOut), 0),
    MANY
  )
})
