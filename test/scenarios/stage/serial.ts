import { FrameDecoder } from '../../../firmware-bridge/link/frame.ts'
import type { Line, LineHandlers } from '../../../firmware-bridge/link/line.ts'
import { type RequestName, requestTypes } from '../../../firmware-bridge/link/messages.ts'

/** A serial line whose frames are told, and whose plug can be pulled. */
export class Cable {
  readonly #tell: (name: RequestName, again: boolean) => void
  #handlers: LineHandlers | undefined
  #plugged = true

  /** `tell` hears of each frame to the controller, just before it goes out, and whether it is a repeat of the one before. */
  constructor(tell: (name: RequestName, again: boolean) => void) {
    this.#tell = tell
  }

  unplug(): void {
    this.#plugged = false
    const handlers = this.#handlers
    this.#handlers = undefined
    handlers?.closed('unplugged')
  }

  plug(): void {
    this.#plugged = true
  }

  /** The line of one process through this cable. */
  through(line: Line, soon: (run: () => void) => void): Line {
    const decoder = new FrameDecoder()
    let mine: LineHandlers | undefined
    let last = 0
    return {
      open: (handlers) => {
        if (!this.#plugged) return soon(() => handlers.closed('no such port'))
        mine = {
          opened: () => handlers.opened(),
          data: (bytes) => {
            if (this.#handlers === mine) handlers.data(bytes)
          },
          closed: (why) => handlers.closed(why)
        }
        this.#handlers = mine
        line.open(mine)
      },
      write: (bytes) => {
        if (this.#handlers !== mine) return
        for (const { type, seq } of decoder.push(bytes)) {
          const name = NAMES.get(type)
          if (name !== undefined) this.#tell(name, seq === last)
          last = seq
        }
        line.write(bytes)
      },
      close: () => {
        if (this.#handlers === mine) this.#handlers = undefined
        return line.close()
      }
    }
  }
}

const NAMES = new Map<number, RequestName>(
  Object.entries(requestTypes).map(([name, type]) => [type, name as RequestName])
)
