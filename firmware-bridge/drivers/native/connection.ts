import type { Line, Timers } from '../../link/line.ts'
import type { StatusMessage } from '../../link/messages.ts'
import { RequestLine } from '../../link/requests.ts'
import type { ControllerEvents } from '../controller.ts'
import { backoffMs } from './backoff.ts'
import { type Greeting, type GreetingOptions, greet } from './greeting.ts'
import { type End, Session } from './session.ts'
import { statusOf } from './translate.ts'

export interface ConnectionOptions extends GreetingOptions {
  readonly line: () => Line
  readonly timers: Timers
  readonly baudRate: number
  readonly beatMs: number
}

/** A connection that lasted so long starts the backoff anew. More than it takes to notice that nothing is heard any more (3.3 s). */
const settledMs = 5_000

/**
 * Keeps a session with the controller: opens a line, says hello, and begins again with backoff whenever it ends. While
 * there is no session nothing is written but hello, so that nothing is delivered later than it was meant.
 */
export class Connection {
  readonly counts = { framesSent: 0, framesReceived: 0, badFrames: 0, repeats: 0, reconnects: 0 }
  readonly #options: ConnectionOptions
  readonly #closing = Promise.withResolvers<void>()
  #events: ControllerEvents = {}
  #life: Promise<void> | undefined
  #line: RequestLine | undefined
  #greeted: Session | undefined
  #up = false
  #closed = false
  #greeting: Greeting | undefined
  #attempt = 0
  #why = 'not open yet'

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  /** The last greeting, also while the line is down. */
  get greeting(): Greeting | undefined {
    return this.#greeting
  }

  /** There is one from the first status after hello until the session's end. */
  get session(): Session | undefined {
    return this.#up && this.#greeted?.over === undefined ? this.#greeted : undefined
  }

  /** Why there is no session. */
  get why(): string {
    return this.#greeted?.over?.why ?? this.#why
  }

  open(events: ControllerEvents): void {
    if (this.#life !== undefined) throw new Error('a controller is opened once: make a new one')
    this.#events = events
    this.#life = this.#live()
  }

  /** Resolves when the port is free again. */
  async close(): Promise<void> {
    this.#closed = true
    this.#why = 'closed by this host'
    this.#closing.resolve()
    await this.#line?.close(this.#why)
    await this.#life
  }

  async #live(): Promise<void> {
    while (!this.#closed) {
      const line = new RequestLine({
        line: this.#options.line(),
        timers: this.#options.timers,
        baudRate: this.#options.baudRate,
        counts: this.counts,
        unasked: (frame) => this.#greeted?.hear(frame)
      })
      this.#line = line
      const why = (await line.open()) ?? (await this.#keepSessions(line))
      const closed = line.close(why)
      this.#down(why)
      await closed
      await this.#rest()
    }
  }

  /** One session after another on a line; resolves with the reason when the line is of no use any more. */
  async #keepSessions(line: RequestLine): Promise<string> {
    for (;;) {
      const greeted = await greet(line, this.#options)
      if ('why' in greeted) return greeted.why
      const end = await this.#keep(line, greeted.greeting)
      if (end.name === 'lost') return end.why
      this.#down(end.why)
      if (this.#attempt > 0) await this.#rest()
      else this.#attempt++
    }
  }

  async #keep(line: RequestLine, greeting: Greeting): Promise<End> {
    const { timers, beatMs } = this.#options
    const session = new Session({ line, timers, greeting, beatMs, heard: (status) => this.#heard(status) })
    this.#greeted = session
    const failed = await session.begin()
    if (failed !== undefined) return failed
    const sinceMs = timers.now()
    this.#rise(session)
    const end = await session.ended
    if (timers.now() - sinceMs >= settledMs) this.#attempt = 0
    return end
  }

  #rise(session: Session): void {
    if (this.#greeting !== undefined) this.counts.reconnects++
    this.#greeting = session.greeting
    this.#up = true
    this.#events.connected?.()
    if (session.status !== undefined) this.#heard(session.status)
  }

  #heard(status: StatusMessage): void {
    if (this.#up && this.#greeting !== undefined)
      this.#events.status?.(statusOf(this.#greeting.declared, status))
  }

  /** Told once per reason: a port that stays missing is no news at every attempt. */
  #down(why: string): void {
    const news = this.#up || why !== this.#why
    this.#up = false
    this.#greeted = undefined
    this.#why = why
    if (news && !this.#closed) this.#events.disconnected?.(why)
  }

  async #rest(): Promise<void> {
    if (this.#closed) return
    const waited = Promise.withResolvers<void>()
    const timer = this.#options.timers.after(backoffMs(this.#attempt++, this.#options.random), waited.resolve)
    await Promise.race([waited.promise, this.#closing.promise])
    timer.cancel()
  }
}
