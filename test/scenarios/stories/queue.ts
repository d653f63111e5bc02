import type { Grant } from '../../../src/client/index.ts'
import { cast, unseen } from '../stage/cast.ts'
import { aim } from '../stage/documents.ts'
import { Owner } from '../stage/owner.ts'
import type { Stage } from '../stage/stage.ts'
import type { Story } from '../stage/story.ts'

/** Tools that are in contact already. */
async function tools(stage: Stage, count: number): Promise<readonly Owner[]> {
  const all = Array.from({ length: count }, (_, at) => new Owner(stage, `tool-${at + 1}`))
  await unseen(stage, async () => {
    for (const tool of all) await tool.contact()
  })
  return all
}

/** Asks, and lets a moment pass so that the next to ask is behind it. When it is granted it holds for a second. */
async function queued(stage: Stage, tool: Owner | undefined, locks: readonly string[]): Promise<void> {
  void tool?.acquire(locks).then((grant: Grant) => {
    stage.timeline.after(1000, () => void grant.release())
  })
  await stage.pass(100)
}

const prefixes: Story = {
  name: 'waiters-in-order',
  shows:
    'Four wishes for scopes that lie in one another, while *:aim is held: an arm of line 1, line 1, all, and an arm of line 2.',
  lookFor:
    'Look for the order in which they asked: the arm first, line 1 after it, all after both, and the arm of line 2 last, although its own scope had been free for long; the wish for safety waits for nobody.',
  play: async (stage) => {
    await cast(stage, [])
    const [one, two, three, four, five, six] = await tools(stage, 6)
    await queued(stage, one, ['*:aim'])
    await queued(stage, two, ['line-1/arm-1:aim'])
    await queued(stage, three, ['line-1:aim'])
    await queued(stage, four, ['*:aim'])
    await queued(stage, five, ['line-2/arm-9:aim'])
    await queued(stage, six, ['line-2/arm-9:safety'])
    await stage.pass(5500)
  }
}

const several: Story = {
  name: 'several-locks-as-one',
  shows:
    'A tool wants aim and safety of line 1 as one request, while another holds safety; a third wants aim alone, after it.',
  lookFor:
    'Look for aim, which is free all the time and is given to nobody: the request is granted whole, with one fence for each lock, and nobody overtakes it.',
  play: async (stage) => {
    await cast(stage, [])
    const [one, two, three] = await tools(stage, 3)
    await queued(stage, one, ['line-1:safety'])
    await queued(stage, two, ['line-1:aim', 'line-1:safety'])
    await queued(stage, three, ['line-1/arm-1:aim'])
    await stage.pass(3500)
  }
}

const slots: Story = {
  name: 'slots',
  shows:
    'At most two arms of line 1 may be locked at a time; an update is pushed to all three of them, rolling.',
  lookFor:
    'Look for the third arm, which conflicts with nobody and still waits: it is told who has the slots, and is granted when the first of them is free.',
  select: {
    also: [/^wire:update/],
    hide: [/^frame/, /^journal/, /^commit/, /^stage/, /^motion/, /^wire:outcome/, /^say/]
  },
  play: async (stage) => {
    const { server, devices } = await cast(stage, ['line-1/arm-1', 'line-1/arm-2', 'line-1/arm-3'])
    server.policies = [{ lock: 'line-1:aim', slots: 2 }]
    await unseen(stage, () => stage.pass(5000))
    const pusher = new Owner(stage, 'ci')
    await stage.settled('the push', pusher.push(aim(1), 'line-1', { atOnce: 3 }))
    await stage.until('the arms to run', () => devices.every(({ moves }) => moves))
  }
}

const lostPush: Story = {
  name: 'grant-push-lost',
  shows: 'A lock falls to a waiter, and the message that tells it so gets lost.',
  lookFor:
    'Look for the next heartbeat, whose reply lists the lock as held: the owner learns of it there, a few seconds late, and its lease counts from the sending of that heartbeat.',
  select: { also: [/^wire:heartbeat:tool-2/] },
  play: async (stage) => {
    await cast(stage, ['line-1/arm-1'])
    const [one, two] = await tools(stage, 2)
    const first = await one?.granted('line-1:aim')
    const asked = two?.acquire(['line-1:aim'])
    await stage.pass(1000)
    stage.tap.lose('tool-2', 'down', ({ op }) => op === 'granted')
    void first?.release()
    const grant = await stage.settled('the grant', asked as Promise<Grant>)
    two?.say(`has it: ${(grant.leftMs() / 1000).toFixed(2)} s are left`)
    await stage.pass(100)
  }
}

export const queue: readonly Story[] = [prefixes, several, slots, lostPush]
