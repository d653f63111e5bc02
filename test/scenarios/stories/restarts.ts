import { cast, unseen } from '../stage/cast.ts'
import { Owner } from '../stage/owner.ts'
import { Server, TTL_MS } from '../stage/server.ts'
import type { Story } from '../stage/story.ts'

const crashLoop: Story = {
  name: 'crash-loop-keeps-no-ghost',
  shows: 'Locksmith dies 6 s after every start, again and again, while the owner of a lock is dead.',
  lookFor:
    'Look for the mark `unheard`, which keeps the moment of the first start: the lock is orphaned when it is one ttl old, in the first life that may reclaim; as the mark is an earlier start’s, a lease and lockDelay follow.',
  select: { also: [/^log:locksmith:serving/], hide: [/^wire/, /^line/, /^frame/] },
  play: async (stage) => {
    const { server, device } = await cast(stage, ['line-1/arm-1'])
    const node = new Owner(stage, 'node-7')
    await node.granted('line-1:aim')
    node.program.kill()
    await stage.pass(1000)
    server.program.kill()
    while (!device.moves) {
      await stage.pass(200)
      await server.serve()
      const end = stage.timeline.now + 6000
      while (stage.timeline.now < end && !device.moves) await stage.pass(10)
      if (!device.moves) server.program.kill()
    }
  }
}

const restart: Story = {
  name: 'living-owner-over-a-restart',
  shows: 'Locksmith is killed and is back after 8 s, while the owner of a lock lives.',
  lookFor:
    'Look for the mark `unheard`, which the first heartbeat of the owner takes away before it is answered: it keeps its lock under the same fence, and loses nothing.',
  select: { also: [/^wire:heartbeat:tool-1/, /^log:locksmith:serving/] },
  play: async (stage) => {
    const { server, device } = await cast(stage, ['line-1/arm-1'])
    const tool = new Owner(stage, 'tool-1')
    const grant = await tool.granted('line-1:aim')
    await stage.pass(1000)
    server.program.kill()
    await stage.pass(8000)
    await server.serve()
    await stage.pass(TTL_MS / 3)
    tool.say(`has ${(grant.leftMs() / 1000).toFixed(1)} s left for another step; it is done`)
    void grant.release()
    await stage.until('the arm to move', () => device.moves)
  }
}

const restoredStore: Story = {
  name: 'restored-store',
  shows:
    'Locksmith’s store is put back to a copy from before a grant; the fence file, which is no part of the backup, is not.',
  lookFor:
    'Look for the raise: a whole block above every fence that can have been granted, one ttl of quiet and the delay of lost grants, in which nothing is granted and no hold falls, although no lock is known that covers the arm.',
  select: { also: [/^log:locksmith:serving/, /^wire:status/, /^wire:heartbeat:arm-1/], hide: [/^frame/] },
  play: async (stage) => {
    const { server, device } = await cast(stage, ['line-1/arm-1'])
    const backup = server.backUp()
    const tool = new Owner(stage, 'tool-1')
    await tool.granted('line-1:aim')
    await stage.until('the arm to stand', () => device.stands)
    await stage.pass(200)
    server.program.kill()
    tool.program.kill()
    stage.tell('the store is restored from a backup that was made before the grant')
    server.disk = backup
    await stage.pass(500)
    await server.serve()
    const other = new Owner(stage, 'tool-2')
    stage.show({ hide: [/^wire:heartbeat/, /^frame/] })
    await other.contact()
    const waiting = other.acquire(['line-1:aim'])
    await stage.settled('the grant', waiting)
    await stage.pass(100)
  }
}

const twin: Story = {
  name: 'twin-ends-itself',
  shows: 'A second Locksmith with a store of its own is started for the same fleet by mistake.',
  lookFor:
    'Look for the two that take the same client id from each other, for fences that lie above the other’s, and for the older one, which reads a status of a newer term from another instance and ends with 78.',
  select: { also: [/:serving$/, /^wire:status/] },
  play: async (stage) => {
    const { server, device } = await cast(stage, ['line-1/arm-1'])
    const tool = new Owner(stage, 'tool-1')
    await tool.granted('line-1:aim')
    await stage.until('the arm to stand', () => device.stands)
    const second = new Server(stage, 'locksmith-b')
    second.program.start()
    await stage.until('the first to end', () => !server.program.runs)
    const other = new Owner(stage, 'tool-2')
    await other.granted('line-1:aim')
    await stage.pass(100)
  }
}

const oldRecord: Story = {
  name: 'old-retained-record',
  shows:
    'The broker crashes and comes back with an old store: its record of the lock says free, though it is held.',
  lookFor:
    'Look for the old record that reaches the arm before Locksmith has corrected it: it is older than what the arm knows, so the hold stays and nothing moves.',
  select: { also: [/^retained:record:[^:]*:arm-1/, /^wire:record/], hide: [/^log:.*broker-lost/] },
  play: async (stage) => {
    const { server, device } = await cast(stage, ['line-1/arm-1'])
    const tool = new Owner(stage, 'tool-1')
    await unseen(stage, async () => {
      const first = await tool.granted('line-1:aim')
      await stage.until('the arm to stand', () => device.stands)
      void first.release()
      await stage.until('the arm to run again', () => device.moves)
    })
    stage.tell('the broker saves its store: line-1:aim was granted once under fence 1, and is free')
    stage.broker.save()
    await tool.granted('line-1:aim')
    await stage.until('the arm to stand', () => device.stands)
    stage.tell('the broker crashes, and comes back with what it has saved; Locksmith reaches it 2 s later')
    const lines = stage.broker.clientsOf(server.program.life)
    for (const line of lines) line.cut(true, true)
    stage.broker.crash()
    await stage.pass(50)
    stage.broker.restart('saved')
    await stage.pass(2000)
    for (const line of lines) line.mend()
    await stage.pass(8000)
    stage.tell(device.stands ? 'the arm stands' : 'the arm moves')
  }
}

const idempotent: Story = {
  name: 'acquire-repeated-over-a-restart',
  shows:
    'The answer to an acquire gets lost, and Locksmith is killed; the asker repeats itself to the next life.',
  lookFor:
    'Look for one fence: the repeat under the same request id is answered with the grant that was stored, and no second one is made.',
  select: { also: [/^wire:heartbeat:tool-1/, /^log:locksmith:serving/] },
  play: async (stage) => {
    const { server } = await cast(stage, ['line-1/arm-1'])
    const tool = new Owner(stage, 'tool-1')
    await unseen(stage, () => tool.contact())
    stage.tap.lose('tool-1', 'down', ({ op }) => op === 'granted' || op === 'heartbeat', 3)
    const asked = tool.acquire(['line-1:aim'])
    await stage.pass(30)
    server.program.kill()
    await stage.pass(1000)
    await server.serve()
    const grant = await stage.settled('the grant', asked)
    tool.say(`holds line-1:aim under fence ${grant.fence('line-1:aim')}`)
    await stage.pass(10)
  }
}

const powerCut: Story = {
  name: 'power-cut-without-broker',
  shows:
    'After a power cut of the site the arm is back before broker and Locksmith are, and a push had locked it when the power went.',
  lookFor:
    'Look for the contact hold that keeps it paused without anybody to ask, for Locksmith, which waits one full ttl for the owner after a reboot, and for motion only when a reply lists no lock any more.',
  select: { also: [/^log:locksmith:serving/, /^frame:[^:]+:hello/] },
  play: async (stage) => {
    const { server, device } = await cast(stage, ['line-1/arm-1'])
    const node = new Owner(stage, 'node-7')
    await node.granted('line-1:aim')
    await stage.until('the arm to stand', () => device.stands)
    stage.tell('the power of the whole site goes')
    await unseen(stage, async () => {
      stage.broker.crash()
      for (const program of [server.program, device.program, node.program]) program.reboot()
      await stage.pass(60_000)
    })
    stage.tell('the power is back; the broker is not')
    device.board.reset()
    device.program.start()
    await stage.pass(20_000)
    stage.tell('the broker is back, without anything retained')
    stage.broker.restart('empty')
    await server.serve()
    await stage.until('the arm to move', () => device.moves)
  }
}

export const restarts: readonly Story[] = [
  crashLoop,
  restart,
  restoredStore,
  twin,
  oldRecord,
  idempotent,
  powerCut
]
