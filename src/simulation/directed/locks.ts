import type { Play, Stage } from './stage.ts'

/** Stories about locks alone: no device is needed to tell them. */
const LOCK = 'plant-1:aim'
const NARROW = 'plant-1/arm-1:aim'

export const lockPlays: readonly Play[] = [
  {
    name: 'line-fades',
    says: 'answers to an owner come later and later, then nothing that it sends arrives; somebody waits for its lock',
    act: async (stage) => {
      const { ttlMs } = stage
      await stage.ready()
      const owner = await stage.taken({ name: 'owner', locks: [LOCK], keepMs: 2.5 * ttlMs })
      owner.line.delay(0.6 * ttlMs)
      await stage.wait(0.7 * ttlMs)
      const rival = stage.holder({ name: 'rival', locks: [NARROW], keepMs: ttlMs })
      await stage.wait(stage.world.dice.between(0, 0.3) * ttlMs)
      owner.line.cut(true, false)
      await stage.until('the rival has had it', () => rival.over)
    }
  },
  {
    name: 'unlock-of-the-living',
    says: 'an operator unlocks what a living owner has, whose line is cut: it cannot be told',
    act: async (stage) => {
      const { ttlMs } = stage
      await stage.ready()
      const owner = await stage.taken({ name: 'owner', locks: [LOCK], keepMs: 2.5 * ttlMs })
      await stage.wait(stage.world.dice.between(0, 0.3) * ttlMs)
      owner.line.cut(true, true)
      const rival = stage.holder({ name: 'rival', locks: [NARROW], keepMs: ttlMs })
      stage.clear(LOCK)
      await stage.until('the rival has had it', () => rival.over)
    }
  },
  {
    name: 'unlock-of-the-next',
    says: 'an operator unlocks what he saw taken, and somebody else has been granted it since',
    act: async (stage) => {
      const { ttlMs } = stage
      await stage.ready()
      const owner = await stage.taken({ name: 'owner', locks: [LOCK], keepMs: ttlMs / 4 })
      const seen = stage.fenceOf(LOCK)
      const next = stage.holder({ name: 'next', locks: [LOCK], keepMs: ttlMs })
      await stage.until('the next holds', () => owner.over && next.holds)
      stage.clear(LOCK, seen)
      await stage.until('the next has had it', () => next.over)
    }
  },
  {
    name: 'wants-more',
    says: 'two have something, and each asks for what the other has',
    act: async (stage) => {
      const { ttlMs } = stage
      const locks = ['plant-1/arm-1:aim', 'plant-1/arm-2:aim']
      await stage.ready()
      const greedy = locks.map((lock, at) =>
        stage.program({
          name: `greedy-${at + 1}`,
          kind: 'tool',
          main: async (program) => {
            const grant = await program.acquire([lock])
            await program.sleep(ttlMs / 3)
            const more = program.acquire([locks[1 - at] ?? '']).catch(() => undefined)
            await program.keep(grant, ttlMs / (1 + at))
            await grant.release()
            await (await more)?.release()
          }
        })
      )
      await stage.until('both are gone', () => greedy.every(({ over }) => over))
    }
  },
  {
    name: 'crash-loop',
    says: 'an owner dies, and Locksmith crashes again and again before a whole lease has passed',
    act: async (stage) => {
      const { ttlMs } = stage
      await stage.ready()
      const owner = await stage.taken({ name: 'owner', locks: [LOCK], keepMs: 2.5 * ttlMs })
      stage.kill(owner.life)
      // Longer than a lease of every start and lockDelay together.
      const rounds = Math.ceil((6 * ttlMs + 2 * stage.world.policy.lockDelayMs) / (0.7 * ttlMs))
      for (let round = 0; round < rounds; round += 1) {
        await stage.restart(20)
        await stage.wait(stage.world.dice.between(0.7, 0.9) * ttlMs)
      }
    }
  },
  {
    name: 'queue',
    says: 'one waits for a wide lock, another comes later and wants what is free below it; Locksmith dies while they wait',
    act: async (stage) => {
      const { ttlMs } = stage
      await stage.ready()
      const holder = await stage.taken({ name: 'owner', locks: ['plant-2:aim'], keepMs: 2 * ttlMs })
      const first = stage.holder({ name: 'first', locks: ['*:aim'], keepMs: ttlMs / 4 })
      await stage.wait(ttlMs / 2)
      const second = stage.holder({ name: 'second', locks: [NARROW], keepMs: ttlMs / 4 })
      await stage.wait(ttlMs / 2)
      await stage.restart(20)
      await stage.until('both have had it', () => holder.over && first.over && second.over)
    }
  },
  {
    name: 'backup',
    says: 'Locksmith comes back with an old store, while an owner that it does not know cannot be reached',
    act: async (stage) => {
      const { ttlMs } = stage
      await stage.ready()
      stage.locksmith.backUp()
      const owner = await stage.taken({ name: 'owner', locks: [LOCK], keepMs: 2.5 * ttlMs })
      const { line } = owner
      await stage.wait(stage.world.dice.between(0, 0.2) * ttlMs)
      line.cut(true, true)
      const rival = stage.holder({ name: 'rival', locks: [NARROW], keepMs: ttlMs })
      await stage.restart(20, () => stage.locksmith.restore())
      await stage.until('the rival has had it', () => rival.over)
    }
  },
  {
    name: 'lock-delay',
    says: 'a tool dies, and somebody waits for what it had',
    act: async (stage) => {
      await stage.ready()
      const owner = await stage.taken({ name: 'owner', locks: [LOCK], keepMs: 2 * stage.ttlMs })
      const rival = stage.holder({ name: 'rival', locks: [NARROW], keepMs: 10 })
      await stage.wait(stage.world.dice.between(0, 0.3) * stage.ttlMs)
      stage.kill(owner.life)
      await stage.until('the rival has had it', () => rival.over)
    }
  },
  {
    name: 'power-cut-after-grant',
    says: 'Locksmith dies as soon as an owner has heard that it holds; its line is cut, and somebody wants the lock',
    act: async (stage) => {
      const { ttlMs } = stage
      await stage.ready()
      const owner = await stage.taken({ name: 'owner', locks: [LOCK], keepMs: 2.5 * ttlMs })
      owner.line.cut(true, true)
      await stage.restart(20)
      const rival = stage.holder({ name: 'rival', locks: [NARROW], keepMs: ttlMs })
      await stage.until('the rival has had it', () => rival.over)
    }
  },
  {
    name: 'restart-under-an-owner',
    says: 'Locksmith begins anew while an owner holds, and is asked again for what was granted and given back',
    act: async (stage) => {
      const { ttlMs } = stage
      await stage.ready()
      const owner = await stage.taken({ name: 'owner', locks: [LOCK], keepMs: 2.5 * ttlMs })
      await stage.restart(20)
      await stage.until('the owner has had it', () => owner.over)
    }
  },
  late('late-request', 'acquire', 'and its request arrives once more, just before it could be granted'),
  late(
    'late-heartbeat',
    'heartbeat',
    'and a heartbeat that named it arrives once more, just before it could be granted'
  ),
  {
    name: 'lost-grant',
    says: 'a grant comes too late to somebody who has given the request up, and whose word of it is lost',
    act: async (stage) => {
      const { ttlMs } = stage
      await stage.ready()
      const giveUp = new AbortController()
      const asker = stage.program({
        name: 'asker',
        kind: 'tool',
        main: async (program) => {
          await program.acquire([LOCK], giveUp.signal).catch(() => undefined)
          await program.sleep(3 * ttlMs + 3000)
        }
      })
      await stage.until('it is granted', () => stage.stateOf(LOCK) === 'held')
      asker.line.cut(true, false)
      giveUp.abort()
      await stage.wait(2100)
      asker.line.mend()
      await stage.until('it is gone', () => asker.over)
    }
  },
  {
    name: 'deaf-owner',
    says: 'nothing comes through to an owner any more, though all that it sends arrives; its step takes long',
    act: async (stage) => {
      const { ttlMs } = stage
      await stage.ready()
      const owner = stage.program({
        name: 'owner',
        kind: 'tool',
        main: async (program) => {
          await program.acquire([LOCK])
          await program.sleep(5 * ttlMs + 20_000)
        }
      })
      await stage.until('it holds', () => owner.holds)
      owner.line.delay(100 * ttlMs)
      const rival = stage.holder({ name: 'rival', locks: [NARROW], keepMs: 10 })
      await stage.until('the rival has had it', () => rival.over)
    }
  },
  {
    name: 'file-alone-knows',
    says: 'Locksmith comes back with an old store, and the broker with nothing; those who were granted something are gone',
    act: async (stage) => {
      await stage.ready()
      await lost(stage)
      await stage.restart(200, () => {
        stage.locksmith.restore()
        stage.emptyBroker()
      })
      const next = stage.holder({ name: 'next', locks: [LOCK], keepMs: 10 })
      await stage.until('the next has had it', () => next.over)
    }
  },
  {
    name: 'broker-alone-knows',
    says: 'Locksmith comes back with an old store and without its file; those who were granted something are gone',
    act: async (stage) => {
      await stage.ready()
      await lost(stage)
      await stage.restart(200, () => {
        stage.locksmith.restore()
        stage.locksmith.loseFenceFile()
      })
      const next = stage.holder({ name: 'next', locks: [LOCK], keepMs: 10 })
      await stage.until('the next has had it', () => next.over)
    }
  },
  {
    name: 'owner-alone-knows',
    says: 'Locksmith comes back with an old store and without its file, the broker with nothing; one owner lives, and is heard late',
    act: async (stage) => {
      await stage.ready()
      await lost(stage)
      const { ttlMs, world } = stage
      const { dice } = world
      const owner = stage.program({
        name: 'owner',
        kind: 'tool',
        main: async (program) => {
          const grant = await program.acquire([LOCK])
          await program.keep(grant, 2 * ttlMs)
          await grant.release()
          // It lives on, as devices do, so that it comes to say what it knows.
          await program.sleep(2 * ttlMs)
        }
      })
      await stage.until('the owner holds', () => owner.holds)
      await stage.wait(dice.between(0, 0.3) * ttlMs)
      await stage.restart(200, () => {
        stage.locksmith.restore()
        stage.locksmith.loseFenceFile()
        stage.emptyBroker()
        owner.line.cut(true, false)
      })
      const next = stage.holder({ name: 'next', locks: [LOCK], keepMs: 10 })
      await stage.wait(dice.between(0.1, 0.8) * ttlMs)
      owner.line.mend()
      await stage.until('the next has had it', () => next.over && owner.over)
    }
  },
  {
    name: 'twin',
    says: 'now and again a second Locksmith serves the same fleet, and many want the same',
    act: async (stage) => {
      const { ttlMs, world } = stage
      await stage.ready()
      stage.locksmith.backUp()
      for (const name of ['tool-1', 'tool-2', 'tool-3', 'tool-4']) {
        stage.program({
          name,
          kind: 'tool',
          main: async (program) => {
            for (let round = 0; round < 12; round += 1) {
              const grant = await program.acquire([world.dice.pick([LOCK, NARROW])])
              await program.keep(grant, ttlMs / 2)
              await grant.release()
            }
          }
        })
      }
      await stage.wait(ttlMs)
      for (let round = 0; round < 6; round += 1) {
        stage.note(stage.locksmith.beginTwin(world.dice) ?? 'there is a twin already')
        await stage.until('it has ended', () => !stage.locksmith.hasTwin)
        await stage.wait(ttlMs)
      }
    }
  }
]

/** After a backup something is granted from a new block of fences, and its owner is gone at once. */
async function lost(stage: Stage): Promise<void> {
  stage.locksmith.backUp()
  await stage.restart(20)
  const owner = await stage.taken({ name: 'forgotten', locks: [LOCK], keepMs: stage.ttlMs })
  await stage.wait(10)
  stage.kill(owner.life)
  await stage.until('it is free', () => stage.stateOf(LOCK) === 'free')
}

/** Somebody gives up what it waits for; what named it comes again. */
function late(name: string, op: string, says: string): Play {
  return {
    name,
    says: `somebody gives up what it waits for, ${says}`,
    act: async (stage) => {
      const { ttlMs } = stage
      const last = stage.overhear(op, LOCK)
      await stage.ready()
      const holder = await stage.taken({ name: 'owner', locks: ['*:aim'], keepMs: 2.5 * ttlMs })
      const giveUp = new AbortController()
      const asker = stage.program({
        name: 'asker',
        kind: 'tool',
        main: async (program) => {
          await program.acquire([LOCK], giveUp.signal).catch(() => undefined)
          await program.sleep(3 * ttlMs)
        }
      })
      await stage.until('it has been asked for', () => last() !== '')
      giveUp.abort()
      await stage.wait(0.6 * ttlMs)
      stage.again('asker', last())
      await stage.wait(stage.world.broker.weather.usualDelayMs * 2)
      holder.letGo()
      await stage.until('everybody is gone', () => holder.over && asker.over)
    }
  }
}
