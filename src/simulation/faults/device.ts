import type { Board } from '../device/board.ts'
import type { Device } from '../device/device.ts'
import type { Dice } from '../dice.ts'
import { deviceOf, type FaultKind, type Scene } from './kind.ts'

/** What may happen to a device besides what happens to every process: its power, its disk, its controllers and the lines to them. */
export const deviceFaults: readonly FaultKind[] = [
  {
    name: 'power cut',
    says: 'agent and controllers lose their power together',
    on: 'device',
    mostPerMinute: 3,
    strike: onDevice((_, { host, boards }) => {
      host.life?.kill()
      host.machine.reboot()
      for (const board of boards) board.reset()
      return 'its power is cut'
    })
  },
  {
    name: 'controller reset',
    says: 'a controller alone begins anew',
    on: 'device',
    mostPerMinute: 5,
    strike: onBoard((_, board) => {
      board.reset()
      return `controller ${board.name} is reset`
    })
  },
  {
    name: 'controller unplugged',
    says: 'the serial port is gone, and is back later; the controller keeps its power',
    on: 'device',
    mostPerMinute: 3,
    strike: onBoard(({ world }, board, dice) => {
      const ms = dice.stretched(50, 30_000)
      board.unplug()
      world.timeline.after(ms, () => board.plug())
      return `controller ${board.name} is unplugged for ${Math.round(ms)} ms`
    })
  },
  {
    name: 'bits flip',
    says: 'a part of what crosses the serial line is cut short, changed or longer',
    on: 'device',
    mostPerMinute: 5,
    strike: onBoard((scene, board, dice) => {
      const ms = overWhile(scene, dice, board, { noise: dice.stretched(0.01, 1) })
      return `its line to ${board.name} is noisy for ${ms} ms`
    })
  },
  {
    name: 'serial silence',
    says: 'nothing crosses the serial line, as on a cable that is pulled',
    on: 'device',
    mostPerMinute: 4,
    strike: onBoard((scene, board, dice) => {
      const ms = overWhile(scene, dice, board, { mute: true, deaf: true })
      return `its line to ${board.name} is silent for ${ms} ms`
    })
  },
  {
    name: 'serial mute',
    says: 'the controller hears nothing, and is heard',
    on: 'device',
    mostPerMinute: 3,
    strike: onBoard((scene, board, dice) => {
      const ms = overWhile(scene, dice, board, { mute: true })
      return `controller ${board.name} hears nothing for ${ms} ms`
    })
  },
  {
    name: 'serial deaf',
    says: 'the controller hears, and is not heard',
    on: 'device',
    mostPerMinute: 3,
    strike: onBoard((scene, board, dice) => {
      const ms = overWhile(scene, dice, board, { deaf: true })
      return `controller ${board.name} is not heard for ${ms} ms`
    })
  },
  {
    name: 'frame repeated',
    says: 'the controller hears once more what it heard a while ago',
    on: 'device',
    mostPerMinute: 6,
    strike: onBoard((_, board, dice) => {
      const times = board.repeatHeard(dice)
      return times === 0 ? undefined : `controller ${board.name} hears ${times} old frames again`
    })
  },
  {
    name: 'answer repeated',
    says: 'the agent hears once more what the controller said a while ago',
    on: 'device',
    mostPerMinute: 6,
    strike: onBoard((_, board, dice) =>
      board.repeatSaid(dice) ? `an old answer of controller ${board.name} is heard again` : undefined
    )
  },
  {
    name: 'disk full',
    says: 'the disk of the device takes nothing for a while',
    on: 'device',
    mostPerMinute: 2,
    strike: onDevice((scene, device, dice) => disk(scene, device, { dice, code: 'ENOSPC' }))
  },
  {
    name: 'disk read-only',
    says: 'the disk of the device has been mounted read-only after an error',
    on: 'device',
    mostPerMinute: 2,
    strike: onDevice((scene, device, dice) => disk(scene, device, { dice, code: 'EROFS' }))
  },
  {
    name: 'disk slow',
    says: 'each write takes long, and the process waits for it',
    on: 'device',
    mostPerMinute: 2,
    strike: onDevice(({ world }, { disk: { trouble } }, dice) => {
      trouble.writeMs = dice.stretched(5, 1500)
      world.timeline.after(dice.stretched(200, 20_000), () => {
        trouble.writeMs = 0
      })
      return `a write takes ${Math.round(trouble.writeMs)} ms`
    })
  },
  {
    name: 'second agent',
    says: 'for a while another device of the same name is there: a card that was copied',
    on: 'device',
    mostPerMinute: 5,
    strike: onDevice(({ world }, device, dice) => {
      const { twin } = device
      if (twin === undefined || twin.host.life !== undefined) return undefined
      const ms = dice.stretched(1000, 60_000)
      twin.host.startIn(0)
      world.timeline.after(ms, () => twin.host.end())
      return `a second agent of its name is there for ${Math.round(ms)} ms`
    })
  }
]

function onDevice(
  act: (scene: Scene, device: Device, dice: Dice) => string | undefined
): FaultKind['strike'] {
  return (scene, victim, dice) => {
    const device = deviceOf(scene, victim)
    return device && act(scene, device, dice)
  }
}

function onBoard(act: (scene: Scene, board: Board, dice: Dice) => string | undefined): FaultKind['strike'] {
  return onDevice((scene, { boards }, dice) => act(scene, dice.pick(boards), dice))
}

interface Trouble {
  readonly noise?: number
  readonly mute?: boolean
  readonly deaf?: boolean
}

function overWhile({ world }: Scene, dice: Dice, board: Board, trouble: Trouble): number {
  const ms = Math.round(dice.stretched(50, 60_000))
  Object.assign(board.trouble, trouble)
  world.timeline.after(ms, () => {
    board.becalm()
  })
  return ms
}

function disk(
  { world }: Scene,
  { disk: { trouble } }: Device,
  { dice, code }: { dice: Dice; code: 'ENOSPC' | 'EROFS' }
): string {
  const ms = Math.round(dice.stretched(50, 20_000))
  trouble.refuses = code
  world.timeline.after(ms, () => {
    trouble.refuses = undefined
  })
  return `its disk refuses (${code}) for ${ms} ms`
}
