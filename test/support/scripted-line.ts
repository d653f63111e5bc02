import { encodeFrame, type Frame, FrameDecoder } from '../../firmware-bridge/link/frame.ts'
import type { Line, LineHandlers } from '../../firmware-bridge/link/line.ts'

/** A line whose other end is the test: it sees every frame written and says what it likes. */
export class ScriptedLine implements Line {
  readonly written: number[] = []
  readonly frames: Frame[] = []
  closed = false
  #handlers: LineHandlers | undefined
  readonly #decoder = new FrameDecoder()

  open(handlers: LineHandlers): void {
    this.#handlers = handlers
  }

  write(bytes: Uint8Array): void {
    this.written.push(...bytes)
    this.frames.push(...this.#decoder.push(bytes))
  }

  async close(): Promise<void> {
    this.closed = true
    this.#handlers = undefined
  }

  opened(): void {
    this.#handlers?.opened()
  }

  says(...frames: Frame[]): void {
    for (const frame of frames) this.#handlers?.data(encodeFrame(frame))
  }

  breaks(why: string): void {
    this.#handlers?.closed(why)
  }

  get last(): Frame {
    const frame = this.frames.at(-1)
    if (frame === undefined) throw new Error('nothing was written')
    return frame
  }
}
