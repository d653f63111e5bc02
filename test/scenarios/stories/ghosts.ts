import { cast } from '../stage/cast.ts'
import { Owner } from '../stage/owner.ts'
import type { Story } from '../stage/story.ts'

const ghostReclaimed: Story = {
  name: 'ghost-reclaimed',
  shows:
    'The story itself: node-7 takes the lock of the aim configuration of the whole fleet and dies with it.',
  lookFor:
    'Look for HOT when an operator wants arm-2, for the end 25 s after the last heartbeat (lease and lockDelay), and for motion only then.',
  select: { also: [/^wire:heartbeat:node-7/] },
  play: async (stage) => {
    const { devices } = await cast(stage, ['line-1/arm-1', 'line-2/arm-2'])
    const node = new Owner(stage, 'node-7')
    await node.granted('*:aim')
    await stage.pass(8000)
    node.program.kill()
    await stage.pass(3000)
    const operator = new Owner(stage, 'operator')
    const grant = await operator.granted('line-2/arm-2:aim')
    await stage.pass(1000)
    void grant.release()
    await stage.until('the arms to move', () => devices.every(({ moves }) => moves))
  }
}

const ownerReturns: Story = {
  name: 'owner-returns',
  shows: 'A tool is stopped with its lock for longer than its lease, and wakes while lockDelay still runs.',
  lookFor:
    'Look for the heartbeat that names the request as over and then no more: the owner itself says that it has stopped, so the lock comes free before lockDelay has passed.',
  select: { also: [/^wire:heartbeat:tool-1:(tool-1|locksmith)/] },
  play: async (stage) => {
    await cast(stage, ['line-1/arm-1'])
    const tool = new Owner(stage, 'tool-1')
    const grant = await tool.granted('line-1:aim')
    await stage.pass(4000)
    tool.program.stop()
    await stage.pass(15_000)
    tool.program.wake()
    await stage.pass(1000)
    tool.say(`has ${grant.leftMs()} ms left for another step, and lets go`)
    void grant.release()
    await stage.pass(1500)
  }
}

const maxHold: Story = {
  name: 'max-hold',
  shows:
    'A living tool keeps a lock for longer than maxHold (here 20 s) allows, and goes on renewing its lease.',
  lookFor:
    'Look for the end that the owner is told of, for the lease that is left to it and lockDelay before the waiter is granted, and for the fence that is too old by then.',
  select: { hide: [/^frame/] },
  play: async (stage) => {
    const { server } = await cast(stage, ['line-1/arm-1'])
    server.policies = [{ lock: 'line-1:aim', maxHoldMs: 20_000 }]
    const tool = new Owner(stage, 'tool-1')
    const grant = await tool.granted('line-1:aim')
    const waiter = new Owner(stage, 'tool-2')
    await stage.pass(10_000)
    stage.tell('tool-1 does not let go when it is told: its step takes longer')
    const next = await waiter.granted('line-1:aim')
    tool.say(`would be told that it has ${grant.leftMs()} ms left`)
    void next.release()
    await stage.pass(100)
  }
}

const unlockLiving: Story = {
  name: 'unlock-living-owner',
  shows: 'An operator clears the lock of an owner that lives.',
  lookFor:
    'Look for the owner that is told at once, and for the lock that comes free only when it has answered that it has stopped; nothing is granted before.',
  play: async (stage) => {
    const { device } = await cast(stage, ['line-1/arm-1'])
    const tool = new Owner(stage, 'tool-1')
    const grant = await tool.granted('line-1:aim')
    await stage.until('the arm to stand', () => device.stands)
    await stage.pass(1000)
    const operator = new Owner(stage, 'operator')
    await stage.settled('the unlock', operator.unlock('line-1:aim', 'the arm is needed'))
    const other = new Owner(stage, 'tool-2')
    await other.contact()
    const waiting = other.acquire(['line-1:aim'])
    await stage.pass(3000)
    tool.say('has ended the step that it had begun')
    void grant.release()
    await stage.settled('the next grant', waiting)
    await stage.pass(100)
  }
}

const waitForOperator: Story = {
  name: 'wait-for-operator',
  shows:
    'A fleet that wrote down onOrphan = wait-for-operator; the owner of a lock dies, and nobody looks for a while.',
  lookFor:
    'Look for the lock that stays orphaned though lease and lockDelay have passed, for the waiter who is told what frees it, and for the unlock of a ghost long gone, which acts at once.',
  play: async (stage) => {
    const { server, device } = await cast(stage, ['line-1/arm-1'])
    server.policies = [{ lock: 'line-1:aim', onOrphan: 'wait-for-operator' }]
    const node = new Owner(stage, 'node-7')
    await node.granted('line-1:aim')
    node.program.kill()
    await stage.pass(40_000)
    const tool = new Owner(stage, 'tool-1')
    await tool.contact()
    const asked = tool.acquire(['line-1:aim'])
    await stage.pass(1000)
    const operator = new Owner(stage, 'operator')
    await stage.settled('the unlock', operator.unlock('line-1:aim', 'node-7 is dead, I stand beside it'))
    const grant = await stage.settled('the grant', asked)
    void grant.release()
    await stage.until('the arm to move', () => device.moves)
  }
}

const locksmithStopped: Story = {
  name: 'locksmith-stopped',
  shows:
    'Locksmith is stopped (SIGSTOP) for 20 s, and wakes with its timers and with what the broker sent before it gave up.',
  lookFor:
    'Look for the owner, which finds its lease run out first and names its request as over; for Locksmith, which orphans the lock when it wakes; and for the waiter, who is granted only a lockDelay later or when the owner says that it has stopped.',
  select: { also: [/^wire:heartbeat:tool-1/] },
  play: async (stage) => {
    const { server } = await cast(stage, ['line-1/arm-1'])
    const [owner, waiter] = [new Owner(stage, 'tool-1'), new Owner(stage, 'tool-2')]
    const grant = await owner.granted('line-1:aim')
    await waiter.contact()
    const asked = waiter.acquire(['line-1:aim'])
    await stage.pass(1000)
    server.program.stop()
    stage.show({ hide: [/^wire:heartbeat/] })
    await stage.pass(20_000)
    stage.show({ also: [/^wire:heartbeat:tool-1/] })
    server.program.wake()
    await stage.pass(2000)
    owner.say('has ended its step')
    void grant.release()
    await stage.settled('the grant', asked)
    await stage.pass(100)
  }
}

export const ghosts: readonly Story[] = [
  ghostReclaimed,
  ownerReturns,
  maxHold,
  unlockLiving,
  waitForOperator,
  locksmithStopped
]
