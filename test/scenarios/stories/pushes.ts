import { cast, unseen } from '../stage/cast.ts'
import { aim } from '../stage/documents.ts'
import { Owner } from '../stage/owner.ts'
import type { Story } from '../stage/story.ts'
import type { Selection } from '../stage/transcript.ts'

const PATHS = ['line-1/arm-1', 'line-1/arm-2', 'line-1/arm-3']

const select: Selection = {
  also: [/^wire:update/],
  hide: [/^frame/, /^stage/, /^wire:released/]
}

const together: Story = {
  name: 'push-together',
  shows: 'node-7 pushes an update to three arms together: one wide lock for the whole cycle.',
  lookFor:
    'Look for the first update, which leaves Locksmith only when all three have said that they stand under that very fence; for one after another; and for motion only when the wide lock is released.',
  select: {
    also: [/^wire:update/, /^wire:heartbeat:arm-.:arm/],
    hide: [...(select.hide ?? []), /^journal/, /^motion/]
  },
  play: async (stage) => {
    const { devices } = await cast(stage, PATHS)
    const node = new Owner(stage, 'node-7')
    await stage.settled('the push', node.push(aim(1), 'line-1', { together: true }))
    await stage.until('the arms to move', () => devices.every(({ moves }) => moves))
  }
}

const pusherDies: Story = {
  name: 'pusher-dies-in-a-push-together',
  shows:
    'node-7 dies in the middle of a push together: one arm has the new version, the second is at it, the third has heard nothing.',
  lookFor:
    'Look for the second arm, which ends the change that it has begun; for the third, to which nothing is sent without its pusher’s word; and for all three, which stand until the lease has run out. As they enforce fence and deadline, no lockDelay follows.',
  select,
  play: async (stage) => {
    const { devices } = await cast(stage, PATHS)
    const node = new Owner(stage, 'node-7')
    void node.push(aim(1), 'line-1', { together: true })
    const second = devices[1]
    await stage.until('the second arm to commit', () => second?.aim === '1 unverified')
    node.program.kill()
    await stage.until('the arms to move', () => devices.every(({ moves }) => moves))
    await unseen(stage, () => stage.pass(1000))
    for (const { name, board } of devices)
      stage.tell(`${name} runs with aim version ${board.trace.versions.aim}`)
  }
}

export const pushes: readonly Story[] = [together, pusherDies]
