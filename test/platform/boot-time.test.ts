import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createBootTime } from '../../src/platform/boot-time.ts'

/** A machine whose clocks behave as Linux's do: `monotonic` stops in suspend, `uptime` counts hundredths. */
function machine(bootedMs: number, suspendedMs: number) {
  const state = { running: bootedMs, suspended: suspendedMs, betweenReadingsMs: 0 }
  return {
    run: (ms: number) => {
      state.running += ms
    },
    suspend: (ms: number) => {
      state.suspended += ms
    },
    /** The scheduler takes the processor away between any two readings from now on. */
    preempt: (ms: number) => {
      state.betweenReadingsMs = ms
    },
    truth: () => state.running + state.suspended,
    monotonic: () => {
      state.running += state.betweenReadingsMs
      return state.running - bootedMs
    },
    uptime: () => {
      state.running += state.betweenReadingsMs
      return Math.floor((state.running + state.suspended) / 10) * 10
    }
  }
}

test('a reading taken after a wake includes the time in suspend, to within 20 ms', () => {
  const box = machine(100_003.7, 5_000)
  const now = createBootTime(box.monotonic, box.uptime)
  const before = now()
  box.suspend(3_600_000)
  const slept = now() - before
  assert.ok(Math.abs(slept - 3_600_000) <= 20, `measured ${slept} ms`)
})

test('two processes of one boot agree to within 10 ms, also when one was started before a suspend', () => {
  const box = machine(50_000, 0)
  const early = createBootTime(box.monotonic, box.uptime)
  box.run(12_345.6)
  box.suspend(777_777)
  const late = createBootTime(box.monotonic, box.uptime)
  const apart = Math.abs(early() - late())
  assert.ok(apart <= 20, `${apart} ms apart`)
})

test('without a suspend the clock runs exactly as the fine one, never a jump, however rudely it is interrupted', () => {
  const box = machine(31_415.9, 0)
  const now = createBootTime(box.monotonic, box.uptime)
  const offset = now() - box.monotonic()
  for (const preemptedMs of [0, 0.3, 250, 0, 9.99, 40, 0]) {
    box.preempt(preemptedMs)
    box.run(3.3)
    const read = now()
    box.preempt(0)
    assert.ok(Math.abs(read - box.monotonic() - offset) < 1e-6, `after an interruption of ${preemptedMs} ms`)
  }
})

test('under any sequence of running, suspending and interruptions: never backwards, never off by more than 10 ms a suspend', () => {
  const step = fc.record({
    kind: fc.constantFrom('run', 'suspend', 'preempt'),
    ms: fc.double({ min: 25, max: 1e6, noNaN: true })
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const box = machine(12_345.678, 42)
      const now = createBootTime(box.monotonic, box.uptime)
      const seen = { last: now(), suspends: 0 }
      for (const { kind, ms } of steps) {
        if (kind === 'run') box.run(ms)
        if (kind === 'suspend') box.suspend(ms)
        if (kind === 'suspend') seen.suspends += 1
        const read = now()
        assert.ok(read >= seen.last)
        assert.ok(Math.abs(read - box.truth()) <= 10 * (seen.suspends + 1), `${read} against ${box.truth()}`)
        seen.last = read
      }
    })
  )
})

test('a reading that fails in between changes nothing', () => {
  const box = machine(10_000, 0)
  const readable = { now: true }
  const now = createBootTime(box.monotonic, () => (readable.now ? box.uptime() : Number.NaN))
  const before = now()
  readable.now = false
  box.run(5)
  assert.ok(Math.abs(now() - before - 5) < 1e-6)
  readable.now = true
  assert.ok(Math.abs(now() - before - 5) < 1e-6)
})
