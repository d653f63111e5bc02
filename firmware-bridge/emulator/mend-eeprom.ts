import type { CPU, EEPROMBackend } from 'avr8js'
import { AVREEPROM, eepromConfig } from 'avr8js'
import { eepromInternals } from './avr-internals.ts'

const { EECR } = eepromConfig
const EEPE = 0x02

/** EEPROM controller of the chip over the given memory. */
export function attachEeprom(cpu: CPU, memory: EEPROMBackend): void {
  const eeprom = new AVREEPROM(cpu, memory)
  const internals = eepromInternals(eeprom)
  const write = cpu.writeHooks[EECR]
  // avr8js forgets a write in progress when EECR is written meanwhile, and the ready interrupt when a byte is read; in the
  // chip the busy bit is read-only and the ready interrupt stands as long as it is enabled and nothing is being written.
  cpu.writeHooks[EECR] = (value, oldValue, addr, mask) => {
    write?.(value, oldValue, addr, mask)
    const busy = cpu.cycles < internals.writeCompleteCycles
    if (busy) {
      cpu.data[EECR]! |= EEPE
      cpu.clearInterrupt(internals.EER, false)
    } else cpu.updateInterruptEnable(internals.EER, cpu.data[EECR]!)
    return true
  }
}
