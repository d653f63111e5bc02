import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STEPS, type Step } from '../../src/rules/change.ts'
import { aim, DeviceWorld } from '../support/device-world.ts'

const after = (step: Step): boolean => STEPS.indexOf(step) > STEPS.indexOf('acquire')

/** A device with version 16, whose agent has died just after that step of a change to 17 was in its journal. */
async function diedAt(step: Step, boards = 1): Promise<{ world: DeviceWorld; push: string }> {
  const world = new DeviceWorld({ boards })
  await world.running()
  await world.pushed(aim(16, 0.5))
  await world.agent.stop()
  world.life.alive = false
  world.startDoomed(step)
  await world.until('the device to run', () => world.agent.guard.state === 'running')
  const push = await world.push(aim(17, 0.65))
  await world.until('the death', () => !world.life.alive)
  await world.pass(50)
  return { world, push }
}

/** File and every controller have the same version, verified. */
function agree(world: DeviceWorld, version: number, sensitivity: string): void {
  assert.deepEqual(
    world.inForce,
    world.boards.map(() => `${version}, ${sensitivity}`)
  )
  assert.equal(world.fileVersion, version)
  assert.ok(world.agent.guard.holds.length === 0)
}

for (const boards of [1, 2]) {
  for (const step of STEPS) {
    const end = step === 'release' ? 'forward' : after(step) ? 'back' : 'to nothing, and is begun anew'
    test(`killed at ${step} with ${boards} controller(s): nothing moves under the change; it leads ${end}`, async () => {
      const { world, push } = await diedAt(step, boards)
      const halted = world.boards.every((board) => board.trace().paused && !board.trace().moving)
      assert.equal(halted, after(step) && step !== 'hold', 'standstill after the death')
      await world.running()
      if (end === 'back') {
        const outcome = await world.outcomeOf(push)
        assert.deepEqual([outcome.outcome, outcome.code], ['refused', 'LK-4001'])
        agree(world, 16, '0.50')
      } else {
        assert.equal((await world.outcomeOf(push)).outcome, 'applied')
        await world.until('motion', () => world.agent.guard.state === 'running')
        agree(world, 17, '0.65')
      }
      await world.until('the outcome to be noted', () => world.journal === '')
    })
  }
}

for (const step of ['commit', 'write', 'verify'] as const) {
  test(`killed at ${step}, and killed again during the recovery: the same end`, async () => {
    const { world, push } = await diedAt(step, 2)
    for (const lateMs of [20, 60, 100, 150, 220, 300]) {
      world.start()
      await world.pass(lateMs)
      world.kill()
      await world.pass(20)
    }
    await world.running()
    assert.equal((await world.outcomeOf(push)).outcome, 'refused')
    agree(world, 16, '0.50')
  })
}

test('killed between the commits of two controllers: both go back', async () => {
  const { world, push } = await dyingWhen((w) => w.boards[0]?.trace().fences.aim === 2)
  assert.equal(world.boards[1]?.trace().fences.aim, 1)
  await world.running()
  assert.equal((await world.outcomeOf(push)).outcome, 'refused')
  agree(world, 16, '0.50')
})

test('killed between the confirmations of two controllers: both go forward', async () => {
  const confirmed = (w: DeviceWorld, at: number): boolean => {
    const trace = w.boards[at]?.trace()
    return trace?.fences.aim === 2 && !trace.unverified.includes('aim')
  }
  const { world, push } = await dyingWhen((w) => w.journal.includes('"verify"') && confirmed(w, 0))
  assert.ok(!confirmed(world, 1))
  await world.running()
  assert.equal((await world.outcomeOf(push)).outcome, 'applied')
  agree(world, 17, '0.65')
})

/** Two controllers with version 16; the agent dies at the first moment of a change to 17 at which `now` holds. */
async function dyingWhen(
  now: (world: DeviceWorld) => boolean
): Promise<{ world: DeviceWorld; push: string }> {
  const world = new DeviceWorld({ boards: 2 })
  await world.running()
  await world.pushed(aim(16, 0.5))
  const push = await world.push(aim(17, 0.65))
  await world.until('the moment', () => now(world))
  world.kill()
  await world.pass(50)
  return { world, push }
}

for (const step of ['commit', 'write', 'verify'] as const) {
  test(`a first configuration whose change is killed at ${step} leaves factory values and no file`, async () => {
    const world = new DeviceWorld()
    world.startDoomed(step)
    await world.until('the device to run', () => world.agent.guard.state === 'running')
    const push = await world.push(aim(17, 0.65))
    await world.until('the death', () => !world.life.alive)
    await world.running()
    assert.equal((await world.outcomeOf(push)).outcome, 'refused')
    assert.deepEqual([world.inForce, world.file('aim')], [['0, 0.50'], undefined])
  })
}

test('a torn last line of the journal counts as the step before it, and does no harm', async () => {
  const { world, push } = await diedAt('commit')
  world.files.content.set('/state/journal.jsonl', `${world.journal}{"entry":"step","st`)
  await world.running()
  assert.equal((await world.outcomeOf(push)).outcome, 'refused')
  agree(world, 16, '0.50')
  assert.ok(world.logged('journal-line-unreadable'))
})

test('a line of the journal that has rotted away does not hide a commit', async () => {
  const { world, push } = await dyingWhen((w) => w.boards.every((board) => board.trace().fences.aim === 2))
  world.files.content.set('/state/journal.jsonl', world.journal.replace('"commit"', '"com\u0000it"'))
  await world.running()
  assert.equal((await world.outcomeOf(push)).outcome, 'refused')
  agree(world, 16, '0.50')
})

test('with a controller away the start is unverified and stands; once it is back, all is as it was', async () => {
  const { world, push } = await diedAt('write', 2)
  world.boards[1]?.unplug()
  world.start()
  await world.pass(100)
  assert.ok(
    world.agent.guard.holds.some((hold) => hold.id === 'config:aim' && /cut off at write/.test(hold.why))
  )
  const outcome = await world.outcomeOf(push)
  assert.deepEqual([outcome.outcome, outcome.code], ['unverified', 'LK-4002'])
  assert.ok(world.boards.every((board) => board.trace().paused))
  world.boards[1]?.plug()
  await world.until('motion', () => world.agent.guard.state === 'running')
  agree(world, 16, '0.50')
})

test('a doubt outlives a restart', async () => {
  const { world } = await diedAt('write', 2)
  world.boards[1]?.unplug()
  world.start()
  await world.until('the doubt', () => world.journal.includes('"unverified"'))
  await world.pass(3000)
  world.kill()
  world.start()
  await world.pass(5000)
  assert.ok(world.agent.guard.holds.some((hold) => hold.id === 'config:aim' && /unverified/.test(hold.why)))
  world.boards[1]?.plug()
  await world.until('motion', () => world.agent.guard.state === 'running')
  agree(world, 16, '0.50')
})

test('an update for a resource in doubt is refused while a controller cannot be asked', async () => {
  const { world, push } = await diedAt('write', 2)
  world.boards[1]?.unplug()
  world.start()
  await world.outcomeOf(push)
  const outcome = await world.pushed(aim(18))
  assert.deepEqual([outcome.outcome, outcome.code], ['refused', 'LK-4002'])
})

test('without its journal the agent takes an unverified commit back, and stands until then', async () => {
  const { world } = await diedAt('write')
  world.files.content.delete('/state/journal.jsonl')
  await world.running()
  agree(world, 16, '0.50')
  assert.ok(world.logged('stray-commit'))
})

test('an outcome that nobody noted is told again after a restart', async () => {
  const world = new DeviceWorld()
  await world.running()
  world.broker.lose = (topic, payload) => topic.endsWith('/req/arm-7') && payload.includes('"outcome"')
  const push = await world.push(aim(16, 0.5))
  await world.until('the outcome to be owed', () => world.journal.includes('"owed"'))
  world.kill()
  await world.pass(100)
  world.broker.lose = () => false
  await world.running()
  assert.equal((await world.outcomeOf(push)).outcome, 'applied')
  await world.until('the outcome to be noted', () => world.journal === '')
})
