import type { Play, Stage } from './stage.ts'

/** Stories about devices in the middle of a change. */
const OWN = 'plant-1/arm-1:aim'
const WIDE = 'plant-1:aim'

/** A push has begun, and the device has come to this step of it. */
async function changing(stage: Stage, step: string, version = 1): Promise<void> {
  stage.push({ name: 'pusher', resource: 'aim', version, scope: stage.device.path })
  await stage.until(`the device is at ${step}`, () => stage.device.journal.step === step)
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
    says: 'the broker closes the connection of a device that is applying a change, and publishes its will; somebody waits for its lock',
    devices: [{}],
    act: async (stage) => {
      const { device, ttlMs, world } = stage
      await stage.ready()
      await changing(stage, 'pause')
      const rival = stage.holder({ name: 'rival', locks: [WIDE], keepMs: ttlMs })
      const agent = device.host.life
      await stage.wait(10)
      if (agent !== undefined)
        for (const client of world.broker.clientsOf(agent)) client.drop('it was told to')
      await stage.until('the rival has had it', () => rival.over)
    }
  },
  {
    name: 'let-go-early',
    says: 'who pushes together lets its lock go while an update is out; somebody waits for it',
    devices: [{}, {}],
    act: async (stage) => {
      const { device, ttlMs } = stage
      await stage.ready()
      const push = stage.push({
        name: 'pusher',
        resource: 'aim',
        version: 1,
        scope: 'plant-1',
        together: true,
        letsGoEarly: true
      })
      await stage.until('the pusher holds', () => push.holds)
      const rival = stage.holder({ name: 'rival', locks: [OWN], keepMs: ttlMs / 4 })
      await stage.until('the device is at work', () => device.journal.step !== 'none')
      await stage.until('the rival has had it', () => rival.over)
    }
  }
]
