import { readFileSync } from 'node:fs'
import { type Trace, type TraceLayout, TraceReader } from '../../trace.ts'
import { instantiate } from './module.ts'

export interface FirmwareOptions {
  /** What survived of an earlier life; a new chip's EEPROM is erased. Copied. */
  readonly eeprom?: Uint8Array
}

/**
 * The firmware's core on a board that is only memory: it does something only when called. Cutting its power is dropping
 * it and loading another with its `eeprom`; a byte of EEPROM takes from one poll to the next, so a cut can fall between
 * any two of them.
 */
export interface Firmware {
  /** Lets time pass until `nowMs` after the reset; what falls due happens. While `writing`, every poll writes one byte. */
  poll(nowMs: number): void
  /** Bytes from the line, taken at the time of the last poll. */
  receive(bytes: Uint8Array): void
  /** The bytes sent since the last call. */
  takeOutput(): Uint8Array
  /** The firmware's own state. */
  trace(): Trace
  /** True until everything that it wants to store is durable. */
  readonly writing: boolean
  /** A view of the memory that survives: copy it to keep it, change it to model its decay. */
  readonly eeprom: Uint8Array
}

function readBeside(name: string): Uint8Array {
  return readFileSync(new URL(name, import.meta.url))
}

/** A controller just after its reset. Throws RangeError when the EEPROM does not fit. */
export function loadFirmware(options: FirmwareOptions = {}): Firmware {
  const chip = instantiate(readBeside('firmware.wasm'))
  const layout = JSON.parse(Buffer.from(readBeside('firmware.json')).toString('utf8')) as TraceLayout
  const reader = new TraceReader(layout)
  const memory = (at: number, length: number) => new Uint8Array(chip.memory.buffer, at, length)
  const eeprom = memory(chip.storageAt(), chip.storageBytes())
  eeprom.fill(0xff)
  if (options.eeprom !== undefined) eeprom.set(options.eeprom)
  chip.init()
  return {
    poll: (nowMs) => chip.poll(nowMs),
    receive: (bytes) => {
      for (const byte of bytes) chip.receive(byte)
    },
    takeOutput: () => memory(chip.outputAt(), chip.takeOutput()).slice(),
    trace: () => reader.decode(memory(reader.address, reader.length)),
    get writing() {
      return chip.writing() === 1
    },
    eeprom
  }
}
