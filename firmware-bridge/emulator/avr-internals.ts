import type { AVREEPROM, AVRTimer, AVRUSART, CPU } from 'avr8js'

/** Parts of avr8js 0.21.1 that its types call private and that the mendings have to reach. */

export interface InterruptSource {
  readonly address: number
  readonly flagRegister: number
  readonly flagMask: number
  readonly enableRegister: number
  readonly enableMask: number
  constant?: boolean
}

export interface ClockEvent {
  cycles: number
  callback: () => void
  next: ClockEvent | null
}

interface CpuInternals {
  nextClockEvent: ClockEvent | null
  readonly clockEventPool: ClockEvent[]
  readonly pendingInterrupts: (InterruptSource | null)[]
}

interface UsartInternals {
  readonly RXC: InterruptSource
  readonly UDRE: InterruptSource
  readonly TXC: InterruptSource
  readonly cyclesPerChar: number
}

interface TimerInternals {
  readonly TOP: number
  readonly timerMode: number
  readonly tcnt: number
  readonly ocrA: number
  readonly ocrB: number
  readonly divider: number
  readonly lastCycle: number
  readonly tcntUpdated: boolean
  readonly updateDivider: boolean
}

interface EepromInternals {
  readonly EER: InterruptSource
  readonly writeCompleteCycles: number
}

export const cpuInternals = (cpu: CPU): CpuInternals => cpu as unknown as CpuInternals
export const usartInternals = (usart: AVRUSART): UsartInternals => usart as unknown as UsartInternals
export const timerInternals = (timer: AVRTimer): TimerInternals => timer as unknown as TimerInternals
export const eepromInternals = (eeprom: AVREEPROM): EepromInternals => eeprom as unknown as EepromInternals
