import type { TestContext } from 'node:test'
import { makeId, openFleetConnection, openSession } from '../../src/client/index.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { connectBroker } from '../../src/platform/mqtt-connection.ts'
import { parsePayload, type Update, update } from '../../src/protocol/messages.ts'
import type { LockFence } from '../../src/rules/fleet.ts'
import { deviceName } from '../../src/rules/scope.ts'
import { waitFor } from '../support/wait.ts'

/** An agent whose every word a test decides: whether it stands, and what becomes of an update. */
export interface PuppetAgent {
  /** Every update that arrived, in order. */
  readonly updates: readonly Update[]
  /** Claims standstill under every lock that covers it, from now on. */
  stand(): Promise<void>
  answer(to: Update, outcome: 'applied' | 'refused' | 'unverified', code?: string): Promise<void>
}

export async function startPuppet(t: TestContext, url: string, device: string): Promise<PuppetAgent> {
  const name = deviceName(device)
  const clock = systemClock()
  const connection = openFleetConnection({
    connect: connectBroker(url),
    clock,
    fleet: 'default',
    principal: name,
    clientId: `puppet-${name}-${makeId(Math.random)}`
  })
  const updates: Update[] = []
  connection.subscribe([connection.topics.updatesFor(name)])
  connection.onMessage(({ payload }) => {
    const parsed = parsePayload(update, payload)
    if (parsed.ok && updates.every((one) => one.push !== parsed.value.push)) updates.push(parsed.value)
  })
  let stands = false
  let covering: readonly LockFence[] = []
  const session = openSession({
    kind: 'agent',
    device,
    boot: 'puppet',
    connection,
    clock,
    random: Math.random,
    facts: () => ({ knownFence: 0, enforces: true, standing: stands ? covering : [] }),
    onTruth: ({ reply }) => {
      covering = reply.covering
        .filter((one) => one.state !== 'free')
        .map(({ lock, fence }) => ({ lock, fence }))
    }
  })
  t.after(async () => {
    await session.close()
    await connection.close()
  })
  await session.contact(10_000)
  return {
    updates,
    stand: async () => {
      stands = true
      await waitFor('Locksmith to hear of standstill', async () => {
        await session.refresh()
        const { reply } = await session.refresh()
        return reply.covering.length > 0
      })
    },
    answer: async (to, outcome, code) => {
      const { push, version } = to
      const build = (number: number, seq: number) =>
        ({
          op: 'outcome',
          session: number,
          seq,
          push,
          outcome,
          code: code ?? null,
          detail: code === undefined ? '' : 'the puppet says so',
          version: outcome === 'applied' ? version : null
        }) as const
      await session.request(build, 'noted')
    }
  }
}

/** The update of this version, once it has arrived. */
export const updateOf = (agent: PuppetAgent, version: number): Promise<Update> =>
  waitFor(`the update to version ${version}`, () => agent.updates.find((one) => one.version === version))
