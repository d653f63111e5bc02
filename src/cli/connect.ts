import { type FleetConnection, makeId, openFleetConnection, queryAll } from '../client/index.ts'
import { bootId } from '../platform/boot-id.ts'
import { type Clock, systemClock } from '../platform/clock.ts'
import { connectBroker } from '../platform/mqtt-connection.ts'
import { LocksmithError } from '../protocol/errors.ts'
import { random } from './random.ts'

export interface ClientValues {
  readonly broker: string
  readonly fleet: string
  readonly as: string
  readonly timeout: number
}

/** The fleet as a command sees it during one run. */
export interface FleetAccess {
  readonly connection: FleetConnection
  readonly clock: Clock
  readonly random: () => number
  readonly boot: string
  readonly timeoutMs: number
  /** A whole answer, however many pages it takes; each is one round trip. */
  readonly query: (what: 'locks' | 'status' | 'why' | 'devices', subject?: string) => Promise<unknown>
}

/**
 * Connects in the given name under a client id of this run, does the work, and closes, within bounds, however it ends.
 * When the broker cannot be reached, the error says what was met there.
 */
export async function withFleet<T>(
  verb: string,
  values: ClientValues,
  work: (fleet: FleetAccess) => Promise<T>
): Promise<T> {
  const clock = systemClock({ keepAlive: true })
  let trouble: string | undefined
  const connection = openFleetConnection({
    connect: connectBroker(values.broker),
    clock,
    fleet: values.fleet,
    principal: values.as,
    clientId: `locksmith-${verb}-${makeId(random)}`,
    timeoutMs: values.timeout
  })
  connection.onConnected(() => {
    trouble = undefined
  })
  connection.onDisconnected((why) => {
    trouble = why
  })
  const query: FleetAccess['query'] = (what, subject) => queryAll(connection, { what, subject, random })
  try {
    return await work({ connection, clock, random, boot: bootId(), timeoutMs: values.timeout, query })
  } catch (error) {
    if (error instanceof LocksmithError && error.code === 'LK-6001' && trouble !== undefined)
      throw new LocksmithError('LK-6001', trouble)
    throw error
  } finally {
    await connection.close()
  }
}
