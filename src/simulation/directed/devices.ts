import type { Device } from '../device/device.ts'
import type { Play, Stage } from './stage.ts'

/** Stories about devices in the middle of a change. */
const OWN = 'plant-1/arm-1:aim'
const WIDE = 'plant-1:aim'

/** A push has begun, and the device has come to this step of it. */
async function changing(stage: Stage, step: string, version = 1): Promise<void> {
  let reached = false
  stage.device.onJournal.push(() => {
    reached ||= stage.device.journal.step === step
  })
  stage.push({ name: 'pusher', resource: 'aim', version, scope: stage.device.path })
  await stage.until(`the device has come to ${step}`, () => reached)
}

export const devicePlays: readonly Play[] = [
  {
    name: 'asleep-before-commit',
    says: 'an agent is stopped between its lease and its commit; another is granted its lock; it wakes',
    devices: [{}],
    act: async (stage) => {
      const { device, ttlMs } = stage
      await stage.ready()
      stage.atEffect(device.name, () => device.journal.step === 'commit', 'stop')
      await changing(stage, 'commit')
      const agent = device.host.life
      const rival = stage.holder({ name: 'rival', locks: [WIDE], keepMs: ttlMs })
      await stage.until('the rival holds', () => rival.holds)
      await stage.wait(10)
      if (agent !== undefined) stage.wake(agent)
      await stage.until('the rival has had it', () => rival.over)
    }
  },
  {
    name: 'cleared-in-mid-change',
    says: 'an operator clears the lock of a device that is applying a change',
    devices: [{ controllers: 2 }],
    act: async (stage) => {
      const { device } = stage
      await stage.ready()
      await changing(stage, 'pause')
      stage.clear(OWN)
      await stage.until('the change has ended', () => device.journal.step === 'none')
    }
  },
  {
    name: 'dropped-in-mid-change',
    says: 'an agent is stopped before its commit, and the broker publishes its will; somebody waits for its lock',
    devices: [{}],
    act: async (stage) => {
      const { device, ttlMs, world } = stage
      await stage.ready()
      stage.atEffect(device.name, () => device.journal.step === 'commit', 'stop')
      await changing(stage, 'commit')
      const agent = device.host.life
      if (agent === undefined) return
      for (const client of world.broker.clientsOf(agent)) client.drop('it was told to')
      const rival = stage.holder({ name: 'rival', locks: [WIDE], keepMs: ttlMs })
      await stage.until('the rival holds', () => rival.holds)
      await stage.wait(10)
      stage.wake(agent)
      await stage.until('the rival has had it', () => rival.over)
    }
  },
  {
    name: 'let-go-early',
    says: 'who pushes together lets its lock go while an update is out, and an agent is stopped before its commit; somebody waits',
    devices: [{}],
    act: async (stage) => {
      const { device, ttlMs } = stage
      await stage.ready()
      stage.atEffect(device.name, () => device.journal.step === 'commit', 'stop')
      const push = stage.push({ ...PUSH, scope: 'plant-1', together: true })
      await stage.until('the device is at commit', () => device.journal.step === 'commit')
      const agent = device.host.life
      push.letGo()
      const rival = stage.holder({ name: 'rival', locks: [WIDE], keepMs: ttlMs })
      await stage.until('the rival holds', () => rival.holds)
      await stage.wait(10)
      if (agent !== undefined) stage.wake(agent)
      await stage.until('the rival has had it', () => rival.over)
    }
  },
  {
    name: 'one-does-not-stand',
    says: 'somebody pushes together, and one of two devices cannot be brought to stand for a while',
    devices: [{}, {}],
    act: async (stage) => {
      await stage.ready()
      const board = stage.devices[1]?.boards[0]
      if (board !== undefined) board.trouble.mute = true
      const push = stage.push({ ...PUSH, scope: 'plant-1', together: true })
      await stage.until('the pusher holds', () => push.holds)
      await stage.wait(3000)
      board?.becalm()
      await stage.until('the push has ended', () => push.over)
    }
  },
  {
    name: 'held-and-let-go',
    says: 'a device stands under the lock of somebody else, which falls while the device applies a change of its own',
    devices: [{ controllers: 3 }],
    act: async (stage) => {
      const { device, ttlMs, world } = stage
      await stage.ready()
      const holder = await stage.taken({ name: 'holder', locks: ['plant-1:safety'], keepMs: ttlMs })
      await stage.until('the device stands', () => device.boards.every(({ trace }) => !trace.moving))
      const step = world.dice.pick(['pause', 'stage', 'commit'])
      await changing(stage, step)
      holder.letGo()
      await stage.until('the change has ended', () => device.journal.step === 'none' && holder.over)
    }
  },
  {
    name: 'cut-off',
    says: 'an agent dies in the middle of a change, at any step, with or without its controllers, again and again',
    devices: [{ controllers: 2 }],
    act: async (stage) => {
      const { device, world } = stage
      await stage.ready()
      const first = stage.push({ ...PUSH, name: 'pusher-1', scope: device.path })
      await stage.until('the first version is there', () => first.over)
      for (let version = 2; version <= 5; version += 1) {
        const drawn = world.dice.pick([...STEPS, COMMITTED, REPLACED])
        // What nobody puts right any more shows at the end.
        const step = version === 5 && world.dice.chance(0.5) ? REPLACED : drawn
        const afterMs = world.dice.chance(0.4) ? 0 : world.dice.between(0, 40)
        cutOff(stage, { step, afterMs, power: world.dice.chance(0.3) })
        const push = stage.push({ ...PUSH, name: `pusher-${version}`, version, scope: device.path })
        await stage.until('the push has ended', () => push.over)
        await stage.until('no change is open', () => device.journal.step === 'none')
      }
    }
  },
  {
    name: 'controller-reset',
    says: 'a controller begins anew after locks have come and gone above it',
    devices: [{ controllers: 2 }],
    act: async (stage) => {
      const { device, world, ttlMs } = stage
      await stage.ready()
      const holder = stage.holder({ name: 'holder', locks: [WIDE], keepMs: ttlMs / 2 })
      await stage.until('it has had it', () => holder.over)
      await stage.wait(ttlMs)
      const board = world.dice.pick(device.boards)
      stage.note(`controller ${board.name} is reset`)
      board.reset()
      await stage.wait(2 * ttlMs)
    }
  },
  {
    name: 'boot-in-silence',
    says: 'after a power cut of the whole site the devices are there before the broker is',
    devices: [{}, { controllers: 2 }],
    act: async (stage) => {
      const { world, ttlMs, devices } = stage
      await stage.ready()
      world.broker.crash()
      for (const device of devices) powerCut(stage, device)
      await stage.wait(2 * ttlMs + 5000)
      stage.note('the broker is there')
      world.broker.restart('kept')
      await stage.ready()
    }
  },
  {
    name: 'budget-used-up',
    says: 'one after another keeps a device standing, until its owner lets it go; the next grant stops it again',
    devices: [{ profile: { pauseBudget: '20s', afterBudget: 'resume', onHostSilent: 'continue' } }],
    act: async (stage) => {
      const { device, ttlMs } = stage
      await stage.ready()
      const names = Array.from({ length: Math.ceil(60_000 / (2.8 * ttlMs)) }, (_, at) => `holder-${at + 1}`)
      const holders = names.map((name) => stage.holder({ name, locks: [WIDE], keepMs: 2.8 * ttlMs }))
      await stage.until('all have had it', () => holders.every(({ over }) => over), 200_000)
      await stage.until('the device moves', () => device.boards.some(({ trace }) => trace.moving))
    }
  }
]

const PUSH = { name: 'pusher', resource: 'aim', version: 1 } as const

function powerCut(stage: Stage, { host, boards }: Device): void {
  stage.note(`the power of ${host.name} is cut`)
  host.life?.kill()
  host.machine.reboot()
  for (const board of boards) board.reset()
}

const STEPS = ['hold', 'pause', 'stage', 'commit', 'write', 'verify']
/** Not a step of the journal: a controller has committed, and nobody has asked it to confirm. */
const COMMITTED = 'committed'
/** Nor is this: the file has been replaced. */
const REPLACED = 'replaced'

/** Once, when the journal has come to this step. */
function cutOff(
  stage: Stage,
  { step, afterMs, power }: { step: string; afterMs: number; power: boolean }
): void {
  const { device, world } = stage
  const { boards, journal } = device
  const isAt = (): boolean =>
    step === COMMITTED ? boards.some(({ trace }) => trace.unverified.length > 0) : journal.step === step
  let armed = true
  const cut = (): void => (power ? powerCut(stage, device) : stage.kill(device.host.life))
  const look = (): void => {
    if (isAt()) strike()
  }
  const strike = (): void => {
    if (!armed) return
    armed = false
    if (afterMs === 0) cut()
    else world.timeline.after(afterMs, cut)
  }
  device.onJournal.push(look)
  device.onBoard.push(() => {
    if (step === COMMITTED) look()
  })
  device.onFile.push((path) => {
    if (step === REPLACED && path.endsWith('/aim.toml')) strike()
  })
}
