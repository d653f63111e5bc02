import { loadLibc } from '../../firmware-bridge/emulator/libc.ts'
import { Pty } from '../../firmware-bridge/emulator/pty.ts'
import { loadFirmware } from '../../firmware-bridge/firmware/boards/wasm/firmware.ts'
import type { Trace } from '../../firmware-bridge/firmware/trace.ts'
import { type Frame, FrameDecoder } from '../../firmware-bridge/link/frame.ts'
import type { Scope } from './scope.ts'

const TICK_MS = 2

/** A serial device of this process, which sees each frame at the moment at which its last byte has come out of the wire. */
export interface SerialEnd {
  readonly link: string
  /** The moment of the next frame of this type, by `performance.now()`. */
  frame(type: number): Promise<number>
}

export interface Board extends SerialEnd {
  /** The first moment from now on at which the firmware's own state is as wanted. */
  traced(wanted: (trace: Trace) => boolean): Promise<number>
}

/** Nothing but the end of a wire. */
export function openSerialEnd(scope: Scope, link: string): SerialEnd {
  return openWire(scope, link, () => {}).end
}

/** The firmware's own core in real time behind a serial device: it runs at once when bytes come, and every 2 ms. */
export function openBoard(scope: Scope, link: string): Board {
  const firmware = loadFirmware()
  const started = performance.now()
  const waiting = new Set<() => void>()
  const { end, pty } = openWire(scope, link, (bytes) => {
    firmware.receive(bytes)
    run()
  })
  function run(): void {
    firmware.poll(Math.floor(performance.now() - started))
    pty.send(firmware.takeOutput())
    for (const look of [...waiting]) look()
  }
  const timer = setInterval(run, TICK_MS)
  scope.later(() => clearInterval(timer))
  const traced = (wanted: (trace: Trace) => boolean): Promise<number> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!wanted(firmware.trace())) return
        waiting.delete(look)
        resolve(performance.now())
      }
      waiting.add(look)
    })
  return { ...end, traced }
}

function openWire(scope: Scope, link: string, received: (bytes: Buffer) => void) {
  const decoder = new FrameDecoder()
  const waiting = new Set<(frame: Frame, at: number) => void>()
  const pty = new Pty({
    libc: loadLibc(),
    link,
    received: (bytes) => {
      const at = performance.now()
      for (const frame of decoder.push(bytes)) for (const look of [...waiting]) look(frame, at)
      received(bytes)
    }
  })
  scope.later(() => pty.close())
  const frame = (type: number): Promise<number> =>
    new Promise((resolve) => {
      const look = (seen: Frame, at: number): void => {
        if (seen.type !== type) return
        waiting.delete(look)
        resolve(at)
      }
      waiting.add(look)
    })
  return { pty, end: { link, frame } satisfies SerialEnd }
}
