import type { Play } from './stage.ts'

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
    name: 'crash-loop',
    says: 'an owner dies, and Locksmith crashes again and again before a whole lease has passed',
    act: async (stage) => {
      const { ttlMs } = stage
      await stage.ready()
      const owner = await stage.taken({ name: 'owner', locks: [LOCK], keepMs: 2.5 * ttlMs })
      stage.kill(owner.life)
      for (let round = 0; round < 8; round += 1) {
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
  }
]
