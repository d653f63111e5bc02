import { makeId, openFleetConnection } from '../../client/index.ts'
import { Host, sleep } from '../host.ts'
import type { Life } from '../life.ts'
import { FLEET, type World } from '../world.ts'

interface SeenLock {
  readonly lock: string
  readonly state: string
  readonly fence: number
}

/** Somebody who clears locks that he finds taken, without asking long. */
export function addOperator(world: World, perMinute: number): Host {
  const machine = world.machine('desk')
  const dice = world.dice.fork('operator')
  return new Host(world, {
    name: 'operator',
    kind: 'operator',
    machine,
    restartMs: () => dice.untilNextMs(perMinute),
    main: (life) => clearOne(world, life).catch(() => undefined)
  })
}

async function clearOne(world: World, life: Life): Promise<void> {
  const random = () => life.random()
  const { clock } = life
  const connection = openFleetConnection({
    connect: world.connectorOf(life),
    clock,
    fleet: FLEET,
    principal: 'operator',
    clientId: `operator-${makeId(random)}`
  })
  try {
    const { data } = await connection.call({ op: 'query', id: makeId(random), what: 'locks' }, 'answer')
    const taken = (data as SeenLock[]).filter(({ state }) => state !== 'free')
    const seen = taken[Math.floor(random() * taken.length)]
    if (seen === undefined) return
    const { lock, fence } = seen
    await sleep(life, random() * 500)
    const graceMs = random() < 0.5 ? 0 : Math.floor(random() * 2 * world.ttlMs)
    world.history.note('operator', `unlocks ${lock} (fence ${fence}) with grace ${graceMs} ms`)
    const request = { op: 'unlock', id: makeId(random), lock, fence, reason: 'simulated', graceMs } as const
    const { outcome } = await connection.call(request, 'unlocked')
    world.history.note('operator', `is told: ${lock} ${outcome}`)
  } finally {
    await connection.close()
  }
}
