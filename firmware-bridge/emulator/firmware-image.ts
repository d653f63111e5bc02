import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type TraceLayout, TraceReader } from '../firmware/trace.ts'
import { parseIntelHex } from './intel-hex.ts'

export interface Firmware {
  /** Program words. */
  readonly flash: Uint16Array
  /** Reads its state out of its RAM; undefined when nothing beside the image says where that lies. */
  readonly trace: TraceReader | undefined
}

const SHIPPED = fileURLToPath(new URL('../firmware/boards/atmega328p/firmware.hex', import.meta.url))

/** Reads an image, the shipped one unless told otherwise, and firmware.json beside it. Throws when there is no sound image. */
export function readFirmware(hexPath: string = SHIPPED): Firmware {
  const flash = parseIntelHex(fs.readFileSync(hexPath, 'utf8'))
  const layoutPath = path.join(path.dirname(hexPath), 'firmware.json')
  if (!fs.existsSync(layoutPath)) return { flash, trace: undefined }
  // Written by the firmware's own build together with the image.
  const layout: TraceLayout = JSON.parse(fs.readFileSync(layoutPath, 'utf8'))
  return { flash, trace: new TraceReader(layout) }
}
