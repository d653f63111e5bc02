import { changed } from '../../support/device-world.ts'
import { cast } from '../stage/cast.ts'
import type { Device, DeviceOptions } from '../stage/device.ts'
import { aim } from '../stage/documents.ts'
import { Owner } from '../stage/owner.ts'
import type { Stage } from '../stage/stage.ts'
import type { Story } from '../stage/story.ts'

const PATH = 'line-1/arm-1'

/** Somebody pushes a version of `aim` to one arm, rolling. Resolves when that step is in the journal; the push goes on. */
async function pushed(
  stage: Stage,
  device: Device,
  version: number,
  until: string
): Promise<{ done: Promise<void> }> {
  const pusher = new Owner(stage, 'ci')
  const done = pusher.push(aim(version), PATH)
  await stepped(stage, device, until)
  return { done }
}

/** Resolves when the step has just been written to the journal. */
function stepped(stage: Stage, device: Device, step: string): Promise<void> {
  let reached = false
  device.onStep = (one) => {
    if (one === step) reached = true
  }
  return stage.until(`the step ${step}`, () => reached)
}

/** An arm that runs with version 1, as somebody pushed it. */
async function armWithVersion1(stage: Stage, options: DeviceOptions = {}) {
  const { server, device } = await cast(stage, [PATH], options)
  const select = stage.transcript.selection
  stage.show({ hide: [/./] })
  const pusher = new Owner(stage, 'setup')
  await stage.settled('the first push', pusher.push(aim(1), PATH))
  await stage.until('the arm to run', () => device.moves)
  stage.show(select)
  return { server, device }
}

const changeGoesWell: Story = {
  name: 'change-goes-well',
  shows:
    'One update, pushed rolling to one arm: validate, acquire, hold, pause, stage, commit, write, verify, release.',
  lookFor:
    'Look for the hold before the pause, for standstill before STAGE, for the one fence in lock, journal and controller, and for motion only after VERIFY.',
  select: { also: [/^wire:(push|update)/, /^frame:[^:]+:read/] },
  play: async (stage) => {
    const { device } = await armWithVersion1(stage)
    const pusher = new Owner(stage, 'ci')
    await stage.settled('the push', pusher.push(aim(2), PATH))
    await stage.until('the arm to run', () => device.moves)
    await stage.pass(50)
  }
}

const stoppedBeforeCommit: Story = {
  name: 'stopped-between-stage-and-commit',
  shows:
    'The agent is stopped (SIGSTOP) with the COMMIT frame in its hands, and wakes when somebody else has held its lock since.',
  lookFor:
    'Look for the controller that discards what was staged by its own clock, for the new grant, and for the COMMIT that comes too late, is refused, and leaves everything as it was.',
  play: async (stage) => {
    const { device } = await armWithVersion1(stage)
    device.onFrame = (name) => {
      if (name === 'commit') device.program.interrupt = () => 'stop'
    }
    const { done } = await pushed(stage, device, 2, 'commit')
    await stage.until('the agent to be stopped', () => device.program.life.stopped)
    stage.tell('arm-1 is stopped (SIGSTOP) in the moment in which its COMMIT would leave')
    for (const client of stage.broker.clientsOf(device.program.life)) client.stopped()
    device.program.interrupt = () => 'none'
    device.onFrame = () => undefined
    const tool = new Owner(stage, 'tool-1')
    const grant = await tool.granted(`${PATH}:aim`)
    await stage.pass(3000)
    device.program.wake()
    await stage.pass(3000)
    void grant.release()
    await stage.until('the arm to run', () => device.moves)
    await stage.settled('the push', done)
  }
}

const unlockInMidChange: Story = {
  name: 'unlock-in-mid-change',
  shows: 'An operator clears the lock of an agent that stands and stages its update.',
  lookFor:
    'Look for the config hold, which outlives the lock: the arm stays paused although no lock covers it any more, and moves only when the change has ended.',
  select: { also: [/^floor/, /^frame:[^:]+:floor/] },
  play: async (stage) => {
    const { device } = await armWithVersion1(stage)
    const { done } = await pushed(stage, device, 2, 'stage')
    const operator = new Owner(stage, 'operator')
    await stage.settled('the unlock', operator.unlock(`${PATH}:aim`, 'wrong button'))
    await stage.settled('the push', done)
    await stage.until('the arm to run', () => device.moves)
    await stage.pass(50)
  }
}

const resetDuringStage: Story = {
  name: 'controller-reset-during-stage',
  shows:
    'The controller is reset between stage and commit: RAM is lost, and with it what was staged, the floor and the link.',
  lookFor:
    'Look for the COMMIT under the old link that is refused, for the new HELLO, and for version 1, still in force and verified: the reset starts nothing and commits nothing.',
  select: { also: [/^frame:[^:]+:(hello|floor|read)/] },
  play: async (stage) => {
    const { device } = await armWithVersion1(stage)
    let staged = false
    device.onFrame = (name) => {
      if (name === 'commit' && !staged) device.board.reset()
      if (name === 'commit') staged = true
    }
    const { done } = await pushed(stage, device, 2, 'commit')
    await stage.settled('the push', done)
    await stage.until('the arm to run', () => device.moves)
    await stage.pass(50)
  }
}

const unplugged: Story = {
  name: 'unplugged-after-commit',
  shows: 'The cable is pulled just after COMMIT has left: the agent cannot know whether it arrived.',
  lookFor:
    'Look for the doubt: the change ends unverified, the arm stands and says so; when the cable is back the commit is rolled back under its own fence, without any lock, and only then it moves.',
  select: { also: [/^frame:[^:]+:(hello|read)/] },
  play: async (stage) => {
    const { device } = await armWithVersion1(stage)
    const { done } = await pushed(stage, device, 2, 'commit')
    await stage.until('the commit to be stored', () => device.aim === '2 unverified')
    stage.tell('the cable is pulled')
    device.cable.unplug()
    await stage.settled('the push', done)
    await stage.pass(10_000)
    stage.tell('the cable is plugged in again')
    device.cable.plug()
    await stage.until('the arm to run', () => device.moves)
    await stage.pass(50)
  }
}

const journalDiskFull: Story = {
  name: 'disk-full-at-the-journal',
  shows: 'The disk of the arm is full when the step stage is to be written to the journal.',
  lookFor:
    'Look for what is not done: no STAGE leaves, because a step comes after its line in the journal; the update is refused by code, and the arm runs on with version 1.',
  play: async (stage) => {
    const { device } = await armWithVersion1(stage)
    const { done } = await pushed(stage, device, 2, 'pause')
    stage.tell('the disk is full')
    device.diskFull = true
    await stage.settled('the push', done)
    await stage.until('the arm to run', () => device.moves)
  }
}

const verifyFails: Story = {
  name: 'verify-fails',
  shows:
    'After COMMIT the controller reads back something else than what was staged: a byte of its EEPROM is worn out.',
  lookFor:
    'Look for ROLLBACK under the fence of the commit itself, for the file that is never written, and for the outcome that names the version which is in force again.',
  select: { also: [/^frame:[^:]+:read/] },
  play: async (stage) => {
    const { device } = await armWithVersion1(stage, {
      wrap: (controller) =>
        changed(controller, {
          read: async (resource) => {
            const stored = await controller.read(resource)
            const worn = stored.version === 2 && !stored.verified
            return worn ? { ...stored, values: { ...stored.values, sensitivity: 0.75 } } : stored
          }
        })
    })
    const pusher = new Owner(stage, 'ci')
    await stage.settled('the push', pusher.push(aim(2), PATH))
    await stage.until('the arm to run', () => device.moves)
    await stage.pass(50)
  }
}

const agentRestarts: Story = {
  name: 'agent-replaced-in-mid-change',
  shows: 'The agent is killed between commit and verify, and is started again a second later.',
  lookFor:
    'Look for the recovery before hello, which rolls the commit back without any lock; for the old lock, orphaned because a newer session of the agent took its place; and for the arm, which is not held by its own ghost.',
  select: { also: [/^wire:hello/, /^frame:[^:]+:(hello|read)/] },
  play: async (stage) => {
    const { device } = await armWithVersion1(stage)
    const { done } = await pushed(stage, device, 2, 'commit')
    await stage.until('the commit to be stored', () => device.aim === '2 unverified')
    device.program.kill()
    await stage.pass(1000)
    device.program.start()
    await stage.until('the arm to run', () => device.moves)
    await stage.settled('the push', done)
    await stage.pass(15_000)
  }
}

export const changes: readonly Story[] = [
  verifyFails,
  agentRestarts,
  changeGoesWell,
  stoppedBeforeCommit,
  unlockInMidChange,
  resetDuringStage,
  unplugged,
  journalDiskFull
]
