import type { CPU } from 'avr8js'
import { AVRUSART, usart0Config } from 'avr8js'
import { usartInternals } from './avr-internals.ts'

const { UCSRA, UCSRB, UDR } = usart0Config
const RXC = 0x80
const UDRE = 0x20
const FE = 0x10
const DOR = 0x08
const RXEN = 0x10
const TXEN = 0x08
/** The receiver of the chip holds two bytes; a third that arrives before one is read is lost. */
const RX_FIFO_BYTES = 2

/** What the chip's serial pins are connected to. */
export interface SerialLine {
  /** Takes the next byte on its way to the chip, when its first bit arrives; undefined when the line is idle. */
  take(): number | undefined
  /** A byte has left the chip, at the end of its stop bit. */
  sent(byte: number): void
}

export interface Usart {
  /** Bytes have been put on an idle line: start to receive them. */
  wake(): void
  /** What the chip's registers say now, in bits per second. */
  readonly baudRate: number
  /** Bytes lost because the firmware did not read in time. */
  readonly overruns: number
}

/** USART0 of the chip: registers and interrupts from avr8js, the data path replaced or mended where avr8js is wrong. */
export function attachUsart(cpu: CPU, freqHz: number, line: SerialLine): Usart {
  const usart = new AVRUSART(cpu, usart0Config, freqHz)
  const internals = usartInternals(usart)
  // avr8js clears UDRE when its interrupt is taken; in the chip only a write to UDR does, and transmission would freeze.
  internals.UDRE.constant = true
  mendControlRegisters(cpu, usart)
  transmitDoubleBuffered(cpu, usart, line)
  const receiver = receiveWithFifo(cpu, usart, line)
  return {
    wake: receiver.wake,
    get baudRate() {
      return usart.baudRate
    },
    get overruns() {
      return receiver.overruns()
    }
  }
}

function mendControlRegisters(cpu: CPU, usart: AVRUSART): void {
  const internals = usartInternals(usart)
  const writeA = cpu.writeHooks[UCSRA]
  const writeB = cpu.writeHooks[UCSRB]
  // avr8js overwrites the read-only flags when UCSRA is written (to set U2X, say).
  cpu.writeHooks[UCSRA] = (value, oldValue, addr, mask) => {
    writeA?.(value, oldValue, addr, mask)
    cpu.data[UCSRA]! |= oldValue & (RXC | UDRE | FE | DOR)
    return true
  }
  // avr8js drops a received byte that was not yet read whenever UCSRB is written (to switch an interrupt on, say).
  cpu.writeHooks[UCSRB] = (value, oldValue, addr, mask) => {
    const received = cpu.data[UCSRA]! & RXC
    writeB?.(value, oldValue, addr, mask)
    if (received && value & RXEN) cpu.setInterruptFlag(internals.RXC)
    return true
  }
}

/** avr8js has one transmit register; the chip has a shift register behind it, so that a frame leaves without gaps. */
function transmitDoubleBuffered(cpu: CPU, usart: AVRUSART, line: SerialLine): void {
  const internals = usartInternals(usart)
  let waiting: number | undefined
  let shifting = false
  const shift = (byte: number): void => {
    shifting = true
    cpu.addClockEvent(() => {
      line.sent(byte)
      shifting = false
      if (waiting === undefined) return cpu.setInterruptFlag(internals.TXC)
      const next = waiting
      waiting = undefined
      shift(next)
      cpu.setInterruptFlag(internals.UDRE)
    }, internals.cyclesPerChar)
  }
  cpu.writeHooks[UDR] = (value) => {
    if (!(cpu.data[UCSRB]! & TXEN)) return true
    cpu.clearInterrupt(internals.TXC)
    if (!shifting) {
      shift(value)
      return true
    }
    waiting = value
    cpu.clearInterrupt(internals.UDRE)
    return true
  }
}

/** avr8js keeps one received byte, overwrites it without a flag and refuses bytes while it is busy; the chip has a FIFO and DOR. */
function receiveWithFifo(cpu: CPU, usart: AVRUSART, line: SerialLine) {
  const internals = usartInternals(usart)
  const fifo: number[] = []
  let arriving = false
  let overruns = 0
  const arrived = (byte: number): void => {
    if (!usart.rxEnable) return
    if (fifo.length < RX_FIFO_BYTES) {
      fifo.push(byte)
      cpu.setInterruptFlag(internals.RXC)
      return
    }
    overruns += 1
    cpu.data[UCSRA]! |= DOR
  }
  const wake = (): void => {
    if (arriving) return
    const byte = line.take()
    if (byte === undefined) return
    arriving = true
    cpu.addClockEvent(() => {
      arriving = false
      arrived(byte)
      wake()
    }, internals.cyclesPerChar)
  }
  cpu.readHooks[UDR] = () => {
    const byte = fifo.shift() ?? 0
    cpu.data[UCSRA]! &= ~DOR
    if (fifo.length === 0) cpu.clearInterrupt(internals.RXC)
    return byte
  }
  wake()
  return { wake, overruns: () => overruns }
}
