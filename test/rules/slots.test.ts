import assert from 'node:assert/strict'
import { test } from 'node:test'
import { policyFor } from '../../src/rules/policy.ts'
import { Story, TTL_MS } from '../support/fleet-story.ts'

const DEVICES = ['plant-2/arm-1', 'plant-2/arm-2', 'plant-2/arm-3', 'plant-3/arm-4'] as const

function fleetOf(slots: number, lock = 'plant-2:aim') {
  const story = new Story([{ lock, slots }])
  const agents = DEVICES.map((device) => story.agent(device))
  const ask = (at: number, resource = 'aim') => agents[at]?.ask(`${DEVICES[at]}:${resource}`) ?? ''
  const holding = () => agents.map((agent) => agent.holds.length)
  return { story, agents, ask, holding }
}

test('at most so many device locks of a resource are held below the scope; others are not counted', () => {
  const { ask, holding } = fleetOf(1)
  for (const at of [0, 1, 3]) ask(at)
  assert.deepEqual(holding(), [1, 0, 0, 1])
  ask(2, 'safety')
  assert.deepEqual(holding(), [1, 0, 1, 1])
})

test('the slot that is given back goes to the first who waits for one', () => {
  const { agents, ask, holding } = fleetOf(1)
  const first = ask(0)
  ask(2)
  ask(1)
  agents[0]?.release(first)
  assert.deepEqual(holding(), [0, 0, 1, 0])
})

test('who waits for a slot is told his place, who has it, and what frees it and when', () => {
  const { story, agents, ask } = fleetOf(1)
  ask(0)
  story.pass(1000)
  ask(1)
  ask(2)
  const [second, third] = [agents[1]?.last('queued'), agents[2]?.last('queued')]
  assert.deepEqual([second?.place, third?.place], [1, 2])
  const blocker = second?.blockers[0]
  assert.equal(blocker?.owner?.name, 'arm-1')
  assert.deepEqual(blocker?.slot, { scope: 'plant-2', most: 1 })
  assert.equal(blocker?.heldMs, 1000)
  assert.deepEqual(blocker?.freedBy, { what: 'its owner, or maxHold', inMs: 15 * 60_000 - 1000 })
  assert.deepEqual(
    story.since(0, 'hot').map(({ hot }) => [hot.lock, hot.wantedBy]),
    [
      ['plant-2/arm-1:aim', 'arm-2'],
      ['plant-2/arm-1:aim', 'arm-3']
    ]
  )
})

test('one who does not wait is refused as busy, by who has the slots', () => {
  const { story, ask } = fleetOf(1)
  ask(0)
  const tool = story.tool('ops')
  tool.ask('plant-2/arm-2:aim', { wait: false })
  const refused = tool.last('refused')?.refusal
  assert.ok(refused?.why === 'busy')
  assert.deepEqual(
    refused.blockers.map(({ lock, slot }) => [lock, slot?.most]),
    [['plant-2/arm-1:aim', 1]]
  )
})

test('a tool takes a slot when it locks a device, and none when it locks a line or a device that nobody knows', () => {
  const { story, ask, holding } = fleetOf(1, '*:aim')
  story.tool('wide').ask('plant-4:aim')
  story.tool('unknown').ask('plant-5/arm-9:aim')
  const tool = story.tool('ops')
  tool.ask('plant-3/arm-4:aim')
  assert.deepEqual(tool.holds, ['plant-3/arm-4:aim'])
  ask(0)
  assert.deepEqual(holding(), [0, 0, 0, 0])
})

test('a ghost keeps its slot until its lock is free', () => {
  const { story, agents, ask, holding } = fleetOf(1)
  ask(0)
  ask(1)
  agents[0]?.die()
  story.pass(TTL_MS)
  assert.equal(story.lock('plant-2/arm-1:aim').state, 'orphaned')
  assert.deepEqual(holding(), [0, 0, 0, 0])
  story.pass(10_000)
  assert.deepEqual(holding(), [0, 1, 0, 0])
})

test('nobody overtakes one who waits for a slot and for something else besides', () => {
  const { story, ask, holding } = fleetOf(1)
  const wide = story.tool('wide')
  const request = wide.ask('plant-2/arm-1/gripper:aim')
  ask(0)
  ask(1)
  assert.deepEqual(holding(), [0, 0, 0, 0])
  wide.release(request)
  assert.deepEqual(holding(), [1, 0, 0, 0])
})

test('a waiter without a lease keeps no slot from others', () => {
  const { story, agents, ask, holding } = fleetOf(1)
  const first = ask(0)
  ask(1)
  ask(2)
  agents[1]?.die()
  story.pass(TTL_MS)
  agents[0]?.release(first)
  assert.deepEqual(holding(), [0, 0, 1, 0])
})

test('who asks for more devices at once than there are slots is refused, and told the numbers', () => {
  const { story } = fleetOf(1)
  const tool = story.tool('ops')
  const request = tool.ask(['plant-2/arm-1:aim', 'plant-2/arm-2:aim'])
  assert.equal(tool.refusal(request), 'more-than-slots')
  const refused = tool.last('refused')?.refusal
  assert.deepEqual(refused, {
    why: 'more-than-slots',
    scope: 'plant-2',
    resource: 'aim',
    asked: 2,
    slots: 1
  })
})

test('fewer slots end no running hold; more are given out at the next look at the policies', () => {
  const { story, ask, holding } = fleetOf(2)
  for (const at of [0, 1, 2]) ask(at)
  story.policies = [{ lock: 'plant-2:aim', slots: 1 }]
  story.pass(1)
  assert.deepEqual(holding(), [1, 1, 0, 0])
  story.policies = [{ lock: 'plant-2:aim', slots: 3 }]
  story.fleet.due.reconsider()
  story.pass(1)
  assert.deepEqual(holding(), [1, 1, 1, 0])
})

test('a waiter whom a new policy leaves no way to be granted is told so, and blocks nobody', () => {
  const { story, ask, holding } = fleetOf(2)
  const tool = story.tool('ops')
  ask(0)
  const request = tool.ask(['plant-2/arm-2:aim', 'plant-2/arm-3:aim'])
  story.policies = [{ lock: 'plant-2:aim', slots: 1 }]
  story.fleet.due.reconsider()
  story.pass(1)
  assert.equal(tool.refusal(request), 'more-than-slots')
  tool.asks.clear()
  story.policies = []
  story.fleet.due.reconsider()
  ask(1)
  assert.deepEqual(holding(), [1, 1, 0, 0])
})

test('slots of several scopes all count; the same scope named again counts as said last', () => {
  const entries = [
    { lock: '*', slots: 9 },
    { lock: 'plant-2:aim', slots: 3 },
    { lock: 'plant-2:*', slots: 2 }
  ]
  assert.deepEqual(policyFor(entries, 'plant-2/arm-1:aim').slots, [
    { scope: '*', most: 9 },
    { scope: 'plant-2', most: 2 }
  ])
  assert.deepEqual(policyFor(entries, 'plant-3/arm-4:aim').slots, [{ scope: '*', most: 9 }])
  const story = new Story([
    { lock: '*', slots: 2 },
    { lock: 'plant-2:*', slots: 1 }
  ])
  const agents = DEVICES.map((device) => story.agent(device))
  for (const [at, agent] of agents.entries()) agent.ask(`${DEVICES[at]}:aim`)
  assert.deepEqual(
    agents.map((agent) => agent.holds.length),
    [1, 0, 0, 0]
  )
  // The fourth device would have a slot of the fleet's, but two who came first want it.
  assert.deepEqual(
    agents[3]?.last('queued')?.blockers.map(({ state, owner }) => [state, owner?.name]),
    [['queued', 'arm-2']]
  )
})
