import { cast, unseen } from '../stage/cast.ts'
import { Owner } from '../stage/owner.ts'
import type { Story } from '../stage/story.ts'
import { topics } from '../stage/tap.ts'

const oneWay: Story = {
  name: 'one-way-line',
  shows: 'From one moment on a tool hears nothing any more, while all that it sends still arrives.',
  lookFor:
    'Look for `heard`, which stands still: the first heartbeats are answered and renew, later ones renew nothing, so both ends come to the end of the lease, the owner first. A line that works in one direction is no contact.',
  select: { also: [/^wire:heartbeat:tool-1/], hide: [/^lost/] },
  play: async (stage) => {
    const { device } = await cast(stage, ['line-1/arm-1'])
    const tool = new Owner(stage, 'tool-1')
    await tool.granted('line-1:aim')
    await stage.pass(1000)
    stage.tell('from now on tool-1 hears nothing')
    stage.tap.lose('tool-1', 'down', () => true, Number.POSITIVE_INFINITY)
    await stage.pass(19_500)
    stage.tell('and so on, twice a second')
    stage.show({ hide: [/^wire:heartbeat/, /^lost/, /^wire:ended/] })
    await stage.until('the arm to move', () => device.moves)
  }
}

const budget: Story = {
  name: 'pause-budget-resume',
  shows:
    'An arm may stand for one minute (pauseBudget), and its owner wrote down that it goes on then (afterBudget = resume); a tool holds it for longer.',
  lookFor:
    'Look for the hold that is waived when the budget is used up, for the motion under the lock that follows, and for the next grant, which the waiver does not cover: the arm pauses for the little that is left.',
  play: async (stage) => {
    const profile = 'autoRestart = "fenced cell"\npauseBudget = "1m"\nafterBudget = "resume"'
    const { device } = await cast(stage, ['line-1/arm-1'], { profile })
    const tool = new Owner(stage, 'tool-1')
    const grant = await tool.granted('line-1:aim')
    await stage.until('the arm to stand', () => device.stands)
    await stage.until('the arm to move', () => device.moves)
    await stage.pass(5000)
    void grant.release()
    await stage.pass(1000)
    await stage.settled('the next grant', tool.acquire(['line-1:aim']))
    await stage.until('the arm to stand', () => device.stands)
    await stage.until('the arm to move', () => device.moves)
  }
}

const oldWill: Story = {
  name: 'old-will',
  shows:
    'The agent was restarted; the broker publishes the will of its earlier life late, over the newer state.',
  lookFor:
    'Look for the agent that sees its own state say offline and tells it again; the lock of tool-1 and the hold do not change, for a will is a hint and releases nothing.',
  select: { also: [/^wire:agent/] },
  play: async (stage) => {
    const { device } = await cast(stage, ['line-1/arm-1'])
    const tool = new Owner(stage, 'tool-1')
    await tool.granted('line-1:aim')
    await stage.until('the arm to stand', () => device.stands)
    await unseen(stage, () => stage.pass(1000))
    device.program.kill()
    await stage.pass(20)
    device.program.start()
    await stage.pass(4000)
    stage.tell('the will of its earlier life comes now: offline')
    const offline = {
      ...{ device: device.path, kind: 'arm', online: false, state: 'running', holds: [], configs: {} },
      ...{ controllers: [], session: 0, boot: 'an earlier one' }
    }
    const text = JSON.stringify(offline)
    const topic = topics.agent(device.name)
    stage.broker.publish({ topic, payload: Buffer.from(text), text, qos: 0, retain: true })
    await stage.pass(2000)
    stage.tell(`the arm ${device.stands ? 'stands' : 'moves'}`)
  }
}

export const contact: readonly Story[] = [oneWay, budget, oldWill]
