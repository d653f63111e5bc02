import type { FaultKind, Scene } from './kind.ts'
import { stopFor } from './process.ts'

/** What may happen to Locksmith, its disk, its store and its machine. */
export const serverFaults: readonly FaultKind[] = [
  {
    name: 'Locksmith killed',
    says: 'kill -9; it is started again later',
    on: 'locksmith',
    mostPerMinute: 6,
    strike: ({ locksmith: { host } }) => {
      if (host.life === undefined) return undefined
      host.life.kill()
      return 'is killed (SIGKILL)'
    }
  },
  {
    name: 'Locksmith stopped',
    says: 'SIGSTOP, and SIGCONT later',
    on: 'locksmith',
    mostPerMinute: 3,
    strike: (scene, _, dice) => {
      const { life } = scene.locksmith.host
      return life?.running ? `is stopped (SIGSTOP) for ${stopFor(scene, life, dice)} ms` : undefined
    }
  },
  {
    name: 'crash loop',
    says: 'Locksmith crashes again and again before a whole lease has passed',
    on: 'locksmith',
    mostPerMinute: 1.5,
    strike: ({ world, locksmith: { host } }, _, dice) => {
      const rounds = dice.whole(4, 12)
      // Often just when an owner is gone.
      if (dice.chance(0.7)) for (const { life } of world.register.holders.slice(0, 1)) life.kill()
      let at = 0
      for (let round = 0; round < rounds; round += 1) {
        at += dice.between(0.4, 0.95) * world.ttlMs
        world.timeline.after(at, () => {
          if (world.calm) return
          host.life?.kill()
          host.startIn(50)
        })
      }
      return `will crash ${rounds} times`
    }
  },
  {
    name: 'server reboots',
    says: 'the machine of Locksmith boots again: its clock begins anew',
    on: 'locksmith',
    mostPerMinute: 1,
    strike: ({ locksmith }) => {
      locksmith.host.life?.kill()
      locksmith.host.machine.reboot()
      locksmith.rebooted()
      return 'its machine boots again'
    }
  },
  {
    name: 'server clock drifts',
    says: 'the clock of its machine runs too fast or too slow',
    on: 'locksmith',
    mostPerMinute: 1,
    strike: ({ locksmith }, _, dice) => {
      const ppm = dice.between(-500, 500)
      locksmith.host.machine.drift(ppm)
      return `its clock drifts by ${Math.round(ppm)} ppm`
    }
  },
  {
    name: 'server wall clock jumps',
    says: 'somebody sets its wall clock, by minutes or years',
    on: 'locksmith',
    mostPerMinute: 1,
    strike: ({ locksmith }, _, dice) => {
      const ms = Math.round(dice.stretched(1000, 1e11)) * (dice.chance(0.5) ? 1 : -1)
      locksmith.host.machine.setWall(ms)
      return `its wall clock jumps by ${ms} ms`
    }
  },
  {
    name: 'server disk full',
    says: 'its store takes nothing for a while',
    on: 'locksmith',
    mostPerMinute: 1.5,
    strike: ({ world: { timeline, history }, locksmith: { disk } }, _, dice) => {
      if (disk.refuses !== undefined) return undefined
      disk.refuses = 'no space left on device'
      timeline.after(dice.stretched(50, 10_000), () => {
        history.note('locksmith', 'its disk has space again')
        disk.refuses = undefined
      })
      return 'its disk is full'
    }
  },
  {
    name: 'server disk slow',
    says: 'each commit takes long, and the process waits for it',
    on: 'locksmith',
    mostPerMinute: 1.5,
    strike: ({ world: { timeline }, locksmith }, _, dice) => {
      locksmith.commitMs = dice.stretched(5, 1000)
      timeline.after(dice.stretched(500, 20_000), () => {
        locksmith.commitMs = 0
      })
      return `a commit takes ${Math.round(locksmith.commitMs)} ms`
    }
  },
  {
    name: 'store restored',
    says: 'its store is an old one again, from a backup; its second file and the broker know better',
    on: 'locksmith',
    mostPerMinute: 1,
    strike: (scene) =>
      ifOthersRemember(scene, 'its store is an old one again, from a backup', (locksmith) =>
        locksmith.restore()
      )
  },
  {
    name: 'store lost',
    says: 'its store is gone; its second file and the broker are there',
    on: 'locksmith',
    mostPerMinute: 1,
    strike: (scene) =>
      ifOthersRemember(scene, 'its store is gone', (locksmith) => {
        locksmith.lose()
        return true
      })
  },
  {
    name: 'second file lost',
    says: 'the file beside the store that bounds the fences is gone',
    on: 'locksmith',
    mostPerMinute: 1,
    strike: (scene) =>
      ifOthersRemember(scene, 'its file of fences is gone', (locksmith) => {
        locksmith.loseFenceFile()
        return true
      })
  },
  {
    name: 'twin Locksmith',
    says: 'a second Locksmith serves the fleet for a while, from a copy of the store or from none; an operator then ends it',
    on: 'locksmith',
    mostPerMinute: 1,
    strike: ({ world, locksmith }, _, dice) => {
      if (!remembered(world)) return undefined
      const words = locksmith.beginTwin(dice)
      if (words !== undefined) remember(world)
      return words
    }
  }
]

/** Not covered by the design, and not done here: that store, file and broker have forgotten at the same time. */
function ifOthersRemember(
  { world, locksmith }: Scene,
  words: string,
  act: (locksmith: Scene['locksmith']) => boolean
): string | undefined {
  if (!remembered(world)) return undefined
  if (!act(locksmith)) return undefined
  remember(world)
  return words
}

const remembered = ({ broker, timeline, forgotAt, rememberUntil, ttlMs }: Scene['world']): boolean =>
  broker.up && timeline.now >= rememberUntil && timeline.now >= forgotAt + 4 * ttlMs + 10_000

function remember(world: Scene['world']): void {
  world.rememberUntil = world.timeline.now + 4 * world.ttlMs + 20_000
}
