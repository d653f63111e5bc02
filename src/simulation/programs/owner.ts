import {
  type Ask,
  type FleetSession,
  type Grant,
  makeId,
  openFleetConnection,
  openSession
} from '../../client/index.ts'
import type { SessionKind } from '../../rules/fleet.ts'
import type { Dice } from '../dice.ts'
import { Host, sleep } from '../host.ts'
import type { Life } from '../life.ts'
import { FLEET, type World } from '../world.ts'

export interface OwnerOptions {
  readonly name: string
  readonly kind: SessionKind
  readonly device: string | null
  /** What it asks for: one of these, whole. */
  readonly wants: readonly (readonly string[])[]
}

/** Opens connection and session as the command line and the agent do. */
export function openOwner(world: World, life: Life, options: Omit<OwnerOptions, 'wants'>) {
  const random = () => life.random()
  const { clock } = life
  const fresh = options.kind === 'agent' ? '' : `-${makeId(random)}`
  const connection = openFleetConnection({
    connect: world.connectorOf(life),
    clock,
    fleet: FLEET,
    principal: options.name,
    clientId: `${options.name}${fresh}`
  })
  const { kind, device } = options
  const session = openSession({ kind, device, boot: life.machine.boot, connection, clock, random })
  return { connection, session }
}

/** A program that takes locks, keeps them for a while and lets them go, again and again. */
export function addOwner(world: World, options: OwnerOptions): Host {
  const machine = world.machine(options.name)
  return new Host(world, {
    name: options.name,
    kind: options.kind,
    machine,
    restartMs: (dice) => dice.stretched(20, 3 * world.ttlMs),
    main: (life) => live(world, life, options)
  })
}

async function live(world: World, life: Life, options: OwnerOptions): Promise<void> {
  const dice = world.dice.fork(life.name)
  const { connection, session } = openOwner(world, life, options)
  const rounds = options.kind === 'agent' ? Number.POSITIVE_INFINITY : dice.whole(1, 4)
  for (let round = 0; round < rounds; round += 1) {
    await sleep(life, dice.stretched(5, 2 * world.ttlMs))
    const grant = await ask(world, life, { session, ask: drawAsk(world, life, { dice, options }) })
    if (grant !== undefined) await use(world, life, { grant, dice, name: options.name })
  }
  await session.close()
  await connection.close()
}

/** Undefined when it was refused, or given up. */
async function ask(
  world: World,
  life: Life,
  { session, ask }: { session: FleetSession; ask: Ask }
): Promise<Grant | undefined> {
  const answered = world.register.asks({ life, name: session.name, locks: ask.locks })
  try {
    return await session.acquire({ ...ask, onQueued: answered })
  } catch {
    return undefined
  } finally {
    answered()
  }
}

function drawAsk(world: World, life: Life, { dice, options }: { dice: Dice; options: OwnerOptions }): Ask {
  const giveUp = new AbortController()
  life.clock.after(dice.stretched(100, 20 * world.ttlMs), () => giveUp.abort())
  const locks = dice.pick(options.wants)
  world.history.note(options.name, `asks for ${locks.join(', ')}`)
  return { locks, wait: dice.chance(0.8), signal: giveUp.signal, phase: 'simulated' }
}

/** Holds, in steps: each is begun only while the grant says so. */
async function use(
  world: World,
  life: Life,
  { grant, dice, name }: { grant: Grant; dice: Dice; name: string }
): Promise<void> {
  const what = grant.locks.map(({ lock, fence }) => `${lock} (fence ${fence})`).join(', ')
  world.history.note(name, `was granted ${what}`)
  world.register.holds({ life, name, grant })
  const until = life.clock.now() + dice.stretched(world.ttlMs / 30, 8 * world.ttlMs)
  while (grant.leftMs() > 0 && life.clock.now() < until) await sleep(life, dice.stretched(5, world.ttlMs / 3))
  world.history.note(name, `lets go of ${what}`)
  await grant.release()
}
