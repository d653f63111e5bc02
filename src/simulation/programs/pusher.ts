import { createHash } from 'node:crypto'
import { type FleetSession, type Grant, makeId } from '../../client/index.ts'
import { LocksmithError } from '../../protocol/errors.ts'
import type { Dice } from '../dice.ts'
import { Host, sleep } from '../host.ts'
import type { Life } from '../life.ts'
import type { World } from '../world.ts'
import { openOwner } from './owner.ts'

export interface PusherOptions {
  readonly name: string
  readonly scopes: readonly string[]
  /** Draws the version of the next document of a resource. */
  readonly nextVersion: (resource: string) => number
}

/** Somebody who brings documents to devices, rolling or together. */
export function addPusher(world: World, options: PusherOptions): Host {
  return new Host(world, {
    name: options.name,
    kind: 'push',
    machine: world.machine(options.name),
    restartMs: (dice) => dice.stretched(100, 4 * world.ttlMs),
    main: (life) => pushOne(world, life, options).catch(() => undefined)
  })
}

interface Plan {
  readonly resource: 'aim' | 'safety'
  readonly version: number
  readonly scope: string
  readonly together: boolean
  readonly atOnce: number
}

function drawPlan(dice: Dice, { scopes, nextVersion }: PusherOptions): Plan {
  const resource = dice.pick(['aim', 'aim', 'safety'] as const)
  // Now and then a version that goes back.
  const version = Math.max(1, nextVersion(resource) - (dice.chance(0.05) ? 3 : 0))
  return { resource, version, scope: dice.pick(scopes), together: dice.chance(0.5), atOnce: dice.whole(1, 3) }
}

async function pushOne(world: World, life: Life, options: PusherOptions): Promise<void> {
  const plan = drawPlan(world.dice.fork(life.name), options)
  const { resource, version, scope, together } = plan
  const how = together ? 'together' : 'rolling'
  world.history.note(options.name, `pushes ${resource} version ${version} to ${scope}, ${how}`)
  const { connection, session } = openOwner(world, life, { name: options.name, kind: 'push', device: null })
  await session.contact(20 * world.ttlMs)
  const grant = together ? await acquire(world, life, { session, plan, name: options.name }) : undefined
  const stopped = await follow(world, life, { session, grant, plan })
  // Updates may still be under way: nobody may be told that this owner has stopped.
  if (!stopped) return
  await grant?.release()
  await session.close()
  await connection.close()
}

async function acquire(
  world: World,
  life: Life,
  { session, plan, name }: { session: FleetSession; plan: Plan; name: string }
): Promise<Grant> {
  const lock = `${plan.scope}:${plan.resource}`
  const giveUp = new AbortController()
  life.clock.after(20 * world.ttlMs, () => giveUp.abort())
  const grant = await session.acquire({ locks: [lock], wait: true, signal: giveUp.signal })
  world.history.note(name, `was granted ${lock} (fence ${grant.fence(lock)})`)
  world.register.holds({ life, name, grant })
  return grant
}

interface Following {
  readonly session: FleetSession
  readonly grant: Grant | undefined
  readonly plan: Plan
}

/** True when every update that was sent out has been answered. */
async function follow(world: World, life: Life, { session, grant, plan }: Following): Promise<boolean> {
  const { resource, version, scope, atOnce } = plan
  const document = documentOf(resource, version)
  const digest = createHash('sha256').update(document).digest('hex')
  const push = {
    op: 'push',
    id: makeId(() => life.random()),
    resource,
    version,
    document,
    digest,
    scope
  } as const
  const under = grant?.locks[0] ?? null
  const until = life.clock.now() + 40 * world.ttlMs
  while (life.clock.now() < until && (grant === undefined || grant.leftMs() > 0)) {
    try {
      const build = (number: number, seq: number) => ({ ...push, session: number, seq, under, atOnce })
      const { state } = await session.request(build, 'push', { under: grant })
      if (state === 'done') return true
      if (state === 'withdrawn') return false
    } catch (error) {
      const code = error instanceof LocksmithError ? error.code : 'unknown'
      world.history.note(life.name, `its push meets ${code}`)
      if (code !== 'LK-3001' && !code.startsWith('LK-6')) return grant === undefined
    }
    await sleep(life, 200)
  }
  return grant === undefined
}

/** Its values tell its version. */
export function documentOf(resource: 'aim' | 'safety', version: number): string {
  const values =
    resource === 'aim'
      ? { sensitivity: (version % 100) / 100, deadband_deg: 0.5, max_slew_deg_s: 30 + (version % 60) }
      : {
          max_speed_mm_s: 100 + (version % 400),
          max_force_n: 80,
          min_distance_mm: 400,
          geofence_radius_m: 120,
          max_altitude_m: 60
        }
  const lines = Object.entries(values).map(([key, value]) => `${key} = ${value}\n`)
  return `resource = "${resource}"\nversion = ${version}\n[values]\n${lines.join('')}`
}
