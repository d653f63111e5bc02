import { randomInt } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { type FleetSession, openFleetConnection, openSession } from '../../src/client/index.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { connectBroker } from '../../src/platform/mqtt-connection.ts'
import { type Process, startNode } from '../support/processes.ts'
import { waitFor } from '../support/wait.ts'
import type { Scope } from './scope.ts'

export const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

/** Starts `locksmith serve` as a process of its own and returns once it serves. */
export async function startServe(scope: Scope, args: readonly string[]): Promise<Process> {
  const serve = startNode(scope.context, [MAIN, 'serve', ...args])
  await waitFor('locksmith serve', () => serve.stdout.includes('"serving"'))
  return serve
}

/** A session of this process, in contact. */
export async function openBenchSession(scope: Scope, url: string, name: string): Promise<FleetSession> {
  const clock = systemClock({ keepAlive: true })
  const connection = openFleetConnection({
    connect: connectBroker(url),
    clock,
    fleet: 'default',
    principal: name,
    clientId: `bench-${name}`
  })
  const random = (): number => randomInt(2 ** 40) / 2 ** 40
  const session = openSession({ kind: 'tool', device: null, boot: 'bench', connection, clock, random })
  scope.later(async () => {
    await session.close()
    await connection.close()
  })
  await session.contact(10_000)
  return session
}
