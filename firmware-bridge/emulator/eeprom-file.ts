import fs from 'node:fs'
import { EEPROM_BYTES } from './chip.ts'

/** A file that should hold an EEPROM image does not. */
export class EepromFileError extends Error {
  constructor(file: string, why: string) {
    super(`EEPROM image ${file}: ${why}; delete it to start with an erased chip`)
    this.name = 'EepromFileError'
  }
}

/** The EEPROM of a chip in a file, so that it outlives the process. */
export interface EepromFile {
  readonly contents: Uint8Array
  /** Written through at once: it survives a kill of the process, though not a power cut of the machine. */
  save(contents: Uint8Array): void
  close(): void
}

/** Opens or makes the file. Throws {@link EepromFileError}. */
export function openEepromFile(file: string): EepromFile {
  let fd: number
  try {
    fd = fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o644)
  } catch (error) {
    throw new EepromFileError(file, error instanceof Error ? error.message : String(error))
  }
  const contents = new Uint8Array(EEPROM_BYTES).fill(0xff)
  const { size } = fs.fstatSync(fd)
  if (size === 0) fs.writeSync(fd, contents, 0, contents.length, 0)
  else if (size === EEPROM_BYTES) fs.readSync(fd, contents, 0, contents.length, 0)
  else {
    fs.closeSync(fd)
    throw new EepromFileError(file, `it has ${size} bytes, not ${EEPROM_BYTES}`)
  }
  return {
    contents,
    save: (bytes) => {
      fs.writeSync(fd, bytes, 0, bytes.length, 0)
    },
    close: () => fs.closeSync(fd)
  }
}
