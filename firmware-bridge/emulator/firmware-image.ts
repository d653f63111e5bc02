import fs from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseIntelHex } from './intel-hex.ts'
import type { TraceFormat } from './trace-format.ts'

export interface Firmware {
  /** Program words. */
  readonly flash: Uint16Array
  readonly trace: TraceFormat | undefined
}

const SHIPPED = fileURLToPath(new URL('../firmware/boards/atmega328p/firmware.hex', import.meta.url))

/** The image to run. */
export function readFirmware(hexPath: string = SHIPPED): Firmware {
  return { flash: parseIntelHex(fs.readFileSync(hexPath, 'utf8')), trace: undefined }
}
