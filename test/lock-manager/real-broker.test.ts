import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type FleetSession, makeId, openFleetConnection, openSession } from '../../src/client/index.ts'
import { type Locksmith, openSqliteStore, startLocksmith } from '../../src/lock-manager/index.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { createEmbeddedBroker, type EmbeddedBroker } from '../../src/platform/embedded-broker.ts'
import { silentLog } from '../../src/platform/logger.ts'
import { connectBroker } from '../../src/platform/mqtt-connection.ts'
import { DEFAULT_POLICY } from '../../src/rules/policy.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { patienceMs, waitFor, within } from '../support/wait.ts'

/** Long enough that a busy machine takes nobody's lease; short where a ghost has to be waited for. */
const TTL_MS = 4000
const GHOST_TTL_MS = 600

/** A fleet over real sockets, with its store in a file. Everything of it ends with the test. */
class Real {
  readonly broker: EmbeddedBroker
  readonly #t: TestContext
  readonly #folder: string
  readonly #clock = systemClock()
  #limit = 0

  constructor(t: TestContext, broker: EmbeddedBroker) {
    this.#t = t
    this.broker = broker
    this.#folder = temporaryFolder(t)
  }

  static async open(t: TestContext): Promise<Real> {
    const broker = await createEmbeddedBroker({ port: 0 })
    t.after(() => broker.close())
    return new Real(t, broker)
  }

  async locksmith(ttlMs = TTL_MS): Promise<Locksmith> {
    const locksmith = startLocksmith({
      connect: connectBroker(this.broker.url),
      clock: this.#clock,
      store: openSqliteStore(join(this.#folder, 'locksmith.db')),
      fenceFile: {
        read: () => this.#limit,
        write: (limit) => {
          this.#limit = limit
        }
      },
      boot: 'boot-1',
      instance: makeId(Math.random),
      version: '0.0.0',
      fleet: 'default',
      ttlMs,
      policy: () => ({ ...DEFAULT_POLICY, lockDelayMs: 100 }),
      log: silentLog,
      defer: (run) => void setImmediate(run),
      everySweep: () => ({ stop: () => undefined })
    })
    this.#t.after(() => locksmith.stop())
    await within('Locksmith to serve', locksmith.ready)
    return locksmith
  }

  async session(name: string): Promise<{ session: FleetSession; cut: () => Promise<void> }> {
    const connection = openFleetConnection({
      connect: connectBroker(this.broker.url),
      clock: this.#clock,
      fleet: 'default',
      principal: name,
      clientId: `${name}-${makeId(Math.random)}`
    })
    const session = openSession({
      ...{ kind: 'tool', device: null, boot: 'boot-1', connection, clock: this.#clock, random: Math.random }
    })
    this.#t.after(async () => {
      await session.close()
      await connection.close()
    })
    await session.contact(patienceMs)
    return { session, cut: () => connection.close() }
  }
}

test('over real sockets: a lock goes from hand to hand, and the next owner is told unasked', async (t) => {
  const real = await Real.open(t)
  await real.locksmith()
  const [one, two] = [await real.session('one'), await real.session('two')]
  const first = await one.session.acquire({ locks: ['*:aim'], wait: true })
  const waiting = two.session.acquire({ locks: ['plant-1:aim'], wait: true })
  await assert.rejects(
    two.session.acquire({ locks: ['*:aim'], wait: false }),
    (error: unknown) => (error as { code?: string }).code === 'LK-1001'
  )
  await first.release()
  const second = await within('the grant', waiting)
  assert.ok(second.fence('plant-1:aim') > first.fence('*:aim'))
})

test('over real sockets: a ghost is reclaimed in bounded time, and whoever waits gets the lock', async (t) => {
  const real = await Real.open(t)
  await real.locksmith(GHOST_TTL_MS)
  const [ghost, next] = [await real.session('ghost'), await real.session('next')]
  const lost = await ghost.session.acquire({ locks: ['*:aim'], wait: true })
  await ghost.cut()
  const grant = await within('the reclaim', next.session.acquire({ locks: ['*:aim'], wait: true }))
  assert.equal(lost.lost.aborted, true, 'the ghost knew first')
  assert.ok(grant.fence('*:aim') > lost.fence('*:aim'))
})

test('over real sockets: Locksmith restarts on its file, and a living owner notices nothing', async (t) => {
  const real = await Real.open(t)
  const before = await real.locksmith()
  const { session } = await real.session('owner')
  const grant = await session.acquire({ locks: ['*:aim'], wait: true })
  await before.stop()
  await real.locksmith()
  const truth = await session.refresh(patienceMs)
  assert.deepEqual(truth.reply.holding, [
    { request: grant.request, lock: '*:aim', fence: grant.fence('*:aim') }
  ])
  assert.equal(grant.lost.aborted, false)
})

test('over real sockets: a ghost in the file is reclaimed by the start check', async (t) => {
  const real = await Real.open(t)
  const before = await real.locksmith(GHOST_TTL_MS)
  const ghost = await real.session('ghost')
  await ghost.session.acquire({ locks: ['*:aim'], wait: true })
  await before.stop()
  await ghost.cut()
  await real.locksmith(GHOST_TTL_MS)
  const { session } = await real.session('next')
  await within('the reclaim', session.acquire({ locks: ['*:aim'], wait: true }))
})

test('over real sockets: a hundred asks for one lock are served one after another, each under its own fence', async (t) => {
  const real = await Real.open(t)
  await real.locksmith()
  const sessions = await Promise.all(Array.from({ length: 10 }, (_, index) => real.session(`p${index}`)))
  const fences: number[] = []
  let inside = 0
  const turns = async (session: FleetSession): Promise<void> => {
    for (let turn = 0; turn < 10; turn += 1) {
      const grant = await session.acquire({ locks: ['*:aim'], wait: true })
      inside += 1
      assert.equal(inside, 1, 'two owners at once')
      fences.push(grant.fence('*:aim'))
      await new Promise((resolve) => setImmediate(resolve))
      inside -= 1
      await grant.release()
    }
  }
  await within('all turns', Promise.all(sessions.map(({ session }) => turns(session))))
  assert.equal(new Set(fences).size, 100)
  assert.deepEqual(
    fences,
    [...fences].sort((a, b) => a - b)
  )
  await waitFor('contact', () => sessions.every(({ session }) => session.leaseLeftMs() > 0))
})
