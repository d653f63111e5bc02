import type { Dice } from '../dice.ts'
import type { Life } from '../life.ts'
import { deviceOf, type FaultKind, hostOf, type Scene } from './kind.ts'

/** What may happen to any process but Locksmith, and to the machine under it. */
export const processFaults: readonly FaultKind[] = [
  {
    name: 'kill',
    says: 'kill -9; it is started again later',
    on: 'process',
    mostPerMinute: 15,
    strike: onLife((_, life) => {
      life.kill()
      return 'is killed (SIGKILL)'
    })
  },
  {
    name: 'stop',
    says: 'SIGSTOP, and SIGCONT later: often after its lease has run out, often while somebody else wants what it has',
    on: 'process',
    mostPerMinute: 15,
    strike: onLife((scene, life, dice) => {
      const ms = stopFor(scene, life, dice)
      wantWhatItHas(scene, life, dice)
      return `is stopped (SIGSTOP) for ${ms} ms`
    })
  },
  {
    name: 'reboot',
    says: 'the machine of a process boots again: its clock begins anew; controllers stay as they are',
    on: 'process',
    mostPerMinute: 4,
    strike: (scene, victim) => {
      const host = hostOf(scene, victim)
      if (host === undefined) return undefined
      host.life?.kill()
      host.machine.reboot()
      return 'its machine boots again'
    }
  },
  {
    name: 'clock drifts',
    says: 'the clock of a machine runs too fast or too slow, as far as it may be steered',
    on: 'process',
    mostPerMinute: 2,
    strike: (scene, victim, dice) => {
      const ppm = dice.between(-500, 500)
      hostOf(scene, victim)?.machine.drift(ppm)
      return `its clock drifts by ${Math.round(ppm)} ppm`
    }
  },
  {
    name: 'wall clock jumps',
    says: 'somebody sets the wall clock, by minutes or years',
    on: 'process',
    mostPerMinute: 2,
    strike: (scene, victim, dice) => {
      const ms = Math.round(dice.stretched(1000, 1e11)) * (dice.chance(0.5) ? 1 : -1)
      hostOf(scene, victim)?.machine.setWall(ms)
      return `its wall clock jumps by ${ms} ms`
    }
  }
]

type OnLife = (scene: Scene, life: Life, dice: Dice) => string | undefined

export function onLife(act: OnLife): FaultKind['strike'] {
  return (scene, victim, dice) => {
    const life = hostOf(scene, victim)?.life
    return life?.running ? act(scene, life, dice) : undefined
  }
}

/** SIGSTOP and, sooner or later, SIGCONT; most of all, stops that outlast a lease. Returns for how long. */
export function stopFor({ world }: Scene, life: Life, dice: Dice): number {
  const { timeline, history, ttlMs, broker } = world
  const ms = Math.round(dice.chance(0.4) ? dice.stretched(20, ttlMs) : dice.between(0.8, 4) * ttlMs)
  timeline.after(0, () => {
    for (const client of broker.clientsOf(life)) client.stopped()
  })
  timeline.after(ms, () => {
    if (!life.stopped) return
    history.note(life.host, 'wakes (SIGCONT)')
    life.wake()
  })
  life.stop()
  return ms
}

/** Often somebody wants a lock in the moment in which its owner falls silent: the next grant under which a ghost may write. */
export function wantWhatItHas(scene: Scene, life: Life, dice: Dice): void {
  if (!dice.chance(0.5)) return
  const held = scene.world.register.holders.find((holder) => holder.life === life)?.grant.locks[0]?.lock
  const device = deviceOf(scene, life.host)
  const changed =
    device && device.journal.step !== 'none' ? `${device.path}:${device.journal.resource}` : undefined
  const wanted = held ?? changed
  if (wanted !== undefined) scene.rival.wants(wanted)
}
