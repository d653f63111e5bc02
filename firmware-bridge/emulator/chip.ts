import {
  AVRClock,
  AVRTimer,
  AVRWatchdog,
  avrInstruction,
  avrInterrupt,
  CPU,
  clockConfig,
  type EEPROMBackend,
  timer0Config,
  timer1Config,
  timer2Config,
  watchdogConfig
} from 'avr8js'
import { cpuInternals } from './avr-internals.ts'
import { attachEeprom } from './mend-eeprom.ts'
import { mendTimers } from './mend-timers.ts'
import { attachUsart, type SerialLine, type Usart } from './mend-usart.ts'

export const CLOCK_HZ = 16_000_000
export const EEPROM_BYTES = 1024
export const SRAM_BYTES = 2048

const OPCODE_SLEEP = 0x9588
const OPCODE_SEI = 0x9478
const SMCR = 0x53
const SMCR_SE = 0x01
const { MCUSR } = watchdogConfig

/** MCUSR bits: why the chip started. */
const RESET_FLAG = { power: 0x01, external: 0x02, watchdog: 0x08 } as const
type ResetCause = keyof typeof RESET_FLAG

export interface ChipOptions {
  /** Program words, as from `parseIntelHex`. */
  readonly flash: Uint16Array
  readonly line: SerialLine
  /** Contents of the EEPROM; erased (0xFF) unless given. Copied. */
  readonly eeprom?: Uint8Array
}

/**
 * An ATmega328P at 16 MHz: timers 0 to 2, USART0, EEPROM, watchdog, idle sleep, external reset. It runs only while `runTo`
 * is called, so its time is its caller's.
 */
export class Chip {
  readonly #flash: Uint16Array
  readonly #line: SerialLine
  readonly #eeprom: EepromMemory
  #cpu: CPU
  #usart: Usart
  #resetCause: ResetCause | undefined

  constructor(options: ChipOptions) {
    this.#flash = options.flash
    this.#line = options.line
    this.#eeprom = new EepromMemory(options.eeprom)
    this.#cpu = this.#build(0, 'power')
    this.#usart = attachUsart(this.#cpu, CLOCK_HZ, this.#line)
  }

  /** Clock cycles since power-up; a reset does not set it back. */
  get cycles(): number {
    return this.#cpu.cycles
  }

  /** True while the firmware sleeps and nothing wakes it: its RAM is then at rest. */
  get asleep(): boolean {
    const cpu = this.#cpu
    return cpu.progMem[cpu.pc] === OPCODE_SLEEP && (cpu.data[SMCR]! & SMCR_SE) !== 0 && cpu.nextInterrupt < 0
  }

  /** Nothing happens in the chip before its count of cycles reaches this: it sleeps, or it does not and this is now. */
  get idleUntil(): number {
    if (!this.asleep) return this.#cpu.cycles
    return cpuInternals(this.#cpu).nextClockEvent?.cycles ?? Number.POSITIVE_INFINITY
  }

  get baudRate(): number {
    return this.#usart.baudRate
  }

  get overruns(): number {
    return this.#usart.overruns
  }

  /** Grows with each byte written to the EEPROM. */
  get eepromWrites(): number {
    return this.#eeprom.writes
  }

  /** A copy of the EEPROM's contents. */
  eeprom(): Uint8Array {
    return this.#eeprom.memory.slice()
  }

  /** A view of data memory (registers and SRAM share one address space): the next `runTo` changes it. */
  memory(address: number, length: number): Uint8Array {
    return this.#cpu.data.subarray(address, address + length)
  }

  /** Bytes were put on the line after `take` had returned undefined. */
  wakeLine(): void {
    this.#usart.wake()
  }

  /** The reset pin: everything but EEPROM and the count of cycles starts anew. */
  reset(cause: ResetCause = 'external'): void {
    this.#resetCause = undefined
    // avr8js's own cpu.reset() keeps the state of the peripherals: start with a new CPU.
    this.#cpu = this.#build(this.#cpu.cycles, cause)
    this.#usart = attachUsart(this.#cpu, CLOCK_HZ, this.#line)
  }

  /** Runs until the count of cycles has reached `target`; the last instruction may overshoot by a few. */
  runTo(target: number): void {
    while (this.#cpu.cycles < target) {
      this.#runOneLife(target)
      if (this.#resetCause) this.reset(this.#resetCause)
    }
  }

  #runOneLife(target: number): void {
    const cpu = this.#cpu
    const { progMem, data } = cpu
    const internals = cpuInternals(cpu)
    while (cpu.cycles < target && this.#resetCause === undefined) {
      const opcode = progMem[cpu.pc]
      // avr8js executes SLEEP as a NOP: jump to the next clock event until an interrupt is pending.
      if (opcode === OPCODE_SLEEP && cpu.nextInterrupt < 0 && data[SMCR]! & SMCR_SE) {
        const wakesAt = internals.nextClockEvent?.cycles ?? target
        if (wakesAt > cpu.cycles) cpu.cycles = Math.min(wakesAt, target)
        fireDueEvent(cpu)
        continue
      }
      avrInstruction(cpu)
      fireDueEvent(cpu)
      // The instruction after SEI runs before any interrupt, so that "sei; sleep" never sleeps through one; avr8js lacks that.
      if (opcode !== OPCODE_SEI) takeInterrupt(cpu)
    }
  }

  #build(cycles: number, cause: ResetCause): CPU {
    const cpu = new CPU(this.#flash, SRAM_BYTES)
    cpu.cycles = cycles
    cpu.data[MCUSR] = RESET_FLAG[cause]
    const configs = [timer0Config, timer1Config, timer2Config]
    mendTimers(
      cpu,
      configs.map((config) => [new AVRTimer(cpu, config), config])
    )
    attachEeprom(cpu, this.#eeprom)
    new AVRWatchdog(cpu, watchdogConfig, new AVRClock(cpu, CLOCK_HZ, clockConfig))
    // Called by the watchdog in the middle of an event: the reset itself waits until that has ended.
    cpu.reset = () => {
      this.#resetCause = 'watchdog'
    }
    return cpu
  }
}

/** As in `CPU.tick`, but the event leaves the list before it runs: avr8js loses one that clears and adds itself meanwhile. */
function fireDueEvent(cpu: CPU): void {
  const internals = cpuInternals(cpu)
  const event = internals.nextClockEvent
  if (!event || event.cycles > cpu.cycles) return
  internals.nextClockEvent = event.next
  event.callback()
  if (internals.clockEventPool.length < 10) internals.clockEventPool.push(event)
}

function takeInterrupt(cpu: CPU): void {
  if (cpu.nextInterrupt < 0 || !cpu.interruptsEnabled) return
  const interrupt = cpuInternals(cpu).pendingInterrupts[cpu.nextInterrupt]
  if (!interrupt) return
  avrInterrupt(cpu, interrupt.address)
  if (!interrupt.constant) cpu.clearInterrupt(interrupt)
}

class EepromMemory implements EEPROMBackend {
  readonly memory = new Uint8Array(EEPROM_BYTES).fill(0xff)
  writes = 0

  constructor(contents: Uint8Array | undefined) {
    if (contents) this.memory.set(contents.subarray(0, EEPROM_BYTES))
  }

  readMemory(address: number): number {
    return this.memory[address % EEPROM_BYTES]!
  }

  writeMemory(address: number, value: number): void {
    this.memory[address % EEPROM_BYTES]! &= value
    this.writes += 1
  }

  eraseMemory(address: number): void {
    this.memory[address % EEPROM_BYTES] = 0xff
    this.writes += 1
  }
}
