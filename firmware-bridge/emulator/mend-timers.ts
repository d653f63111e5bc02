import type { AVRTimer, AVRTimerConfig, CPU } from 'avr8js'
import { timerInternals } from './avr-internals.ts'

const NORMAL = 0
const CTC = 2
const FAST_PWM = 3

/**
 * avr8js schedules an event at every tick of a running timer, which keeps the emulator busy while the chip sleeps. Here a
 * timer's event is put off to its next compare match or overflow. Phase-correct modes keep their event per tick.
 */
export function mendTimers(cpu: CPU, timers: readonly (readonly [AVRTimer, AVRTimerConfig])[]): void {
  const byCallback = new Map(timers.map(([timer]) => [timer.count as () => void, timer]))
  const addClockEvent = cpu.addClockEvent.bind(cpu)
  cpu.addClockEvent = (callback, cycles) => {
    const timer = byCallback.get(callback)
    if (!timer) return addClockEvent(callback, cycles)
    // One event per timer: a second one would go on rescheduling itself beside the first.
    cpu.clearClockEvent(callback)
    return addClockEvent(callback, cyclesToNextMatch(cpu, timer) ?? cycles)
  }
  for (const [timer, config] of timers) resyncOnWrites(cpu, timer, config)
}

/** Undefined where avr8js's own figure is right: a counter or divider just written, or a phase-correct mode. */
function cyclesToNextMatch(cpu: CPU, timer: AVRTimer): number | undefined {
  const { TOP, timerMode, tcnt, ocrA, ocrB, divider, lastCycle, tcntUpdated, updateDivider } =
    timerInternals(timer)
  if (tcntUpdated || updateDivider || divider === 0) return undefined
  if (timerMode !== NORMAL && timerMode !== CTC && timerMode !== FAST_PWM) return undefined
  const period = TOP + 1
  let ticks = tcnt > TOP ? 1 : period - tcnt
  for (const match of [ocrA, ocrB]) {
    if (match > tcnt && match <= TOP) ticks = Math.min(ticks, match - tcnt)
  }
  return lastCycle + ticks * divider - cpu.cycles
}

/** A new compare value or mode moves the next match: count up to now under the old one, then schedule anew. */
function resyncOnWrites(cpu: CPU, timer: AVRTimer, config: AVRTimerConfig): void {
  const registers = [config.OCRA, config.OCRB, config.TCCRA, config.ICR].filter((register) => register > 0)
  for (const register of registers) {
    const hook = cpu.writeHooks[register]
    if (!hook) continue
    cpu.writeHooks[register] = (value, oldValue, addr, mask) => {
      if (!timerInternals(timer).updateDivider) timer.count(false)
      const done = hook(value, oldValue, addr, mask)
      cpu.updateClockEvent(timer.count, 0)
      return done
    }
  }
}
