import { encodeFrame, type Frame, FrameDecoder, maxBody } from './frame.ts'
import type { Line, Timers } from './line.ts'
import {
  type Answers,
  buildRequest,
  parseAnswer,
  type RequestName,
  type Requests,
  requestTypes
} from './messages.ts'
import { type Effect, type Input, start, step } from './request-machine.ts'

export interface Answered<N extends RequestName> {
  readonly name: 'answered'
  readonly answer: Answers[N]
  /** The controller's link as of this answer. */
  readonly link: number
}

/** After `silent` and `lost` nobody knows whether the request was executed. */
export type Failure =
  | { readonly name: 'refused'; readonly reason: string; readonly link: number }
  | { readonly name: 'silent' }
  | { readonly name: 'lost'; readonly why: string }

/** How a request ended. */
export type Outcome<N extends RequestName> = Answered<N> | Failure

/** Counts that outlive a line. */
export interface LineCounts {
  framesSent: number
  framesReceived: number
  badFrames: number
  repeats: number
}

export interface RequestsOptions {
  readonly line: Line
  readonly timers: Timers
  readonly baudRate: number
  readonly counts: LineCounts
  /** A frame that answers nothing that is under way. */
  readonly unasked: (frame: Frame) => void
}

interface Pending {
  readonly type: number
  readonly link: number
  readonly payload: Uint8Array
  readonly settle: (effect: Effect) => void
}

const openMs = 5_000
/** Start and stop bit included. */
const bitsPerByte = 10

/** The host's end of one life of a line: opens it, asks one request after another, and tells how each ended. */
export class RequestLine {
  readonly #options: RequestsOptions
  readonly #decoder = new FrameDecoder()
  readonly #waiting: Pending[] = []
  #state = start
  #active: Pending | undefined
  #timer: { cancel(): void } | undefined
  #phase: 'new' | 'open' | 'gone' = 'new'
  #why = 'the line is not open yet'
  #opened: (why: string | undefined) => void = () => {}
  #gone: (why: string) => void = () => {}
  /** Resolves with the reason when the line is gone, whoever closed it. */
  readonly gone = new Promise<string>((resolve) => {
    this.#gone = resolve
  })

  constructor(options: RequestsOptions) {
    this.#options = options
  }

  get busy(): boolean {
    return this.#active !== undefined || this.#waiting.length > 0
  }

  /** Resolves with undefined once the line is open, or with the reason why it did not open within 5 s. */
  open(): Promise<string | undefined> {
    const { line, timers } = this.#options
    const opening = new Promise<string | undefined>((resolve) => {
      this.#opened = resolve
    })
    const tooLong = timers.after(openMs, () => this.#lose(`the port did not open within ${openMs} ms`))
    line.open({
      opened: () => {
        tooLong.cancel()
        if (this.#phase !== 'new') return
        this.#phase = 'open'
        line.write(Uint8Array.of(0))
        this.#opened(undefined)
      },
      data: (bytes) => this.#receive(bytes),
      closed: (why) => {
        tooLong.cancel()
        this.#lose(why)
      }
    })
    return opening
  }

  /**
   * Asks, and repeats as `answerMs` says: six times; the last answer is awaited until 2.7 s and the time on the wire have passed.
   * `urgent` goes before those that wait. Never rejects; throws UnsendableValue when a number does not fit its field.
   */
  ask<N extends RequestName>(
    name: N,
    request: Requests[N],
    { link, urgent = false }: { readonly link: number; readonly urgent?: boolean }
  ): Promise<Outcome<N>> {
    const payload = buildRequest(name, request)
    return new Promise((resolve) => {
      const settle = (effect: Effect) => resolve(this.#outcome(name, effect))
      const pending = { type: requestTypes[name], link, payload, settle }
      if (urgent) this.#waiting.unshift(pending)
      else this.#waiting.push(pending)
      this.#pump()
    })
  }

  /** Ends it: what is under way or waits is lost for `why`. Resolves when the port is free again. */
  async close(why: string): Promise<void> {
    this.#lose(why)
    await this.#options.line.close()
  }

  #outcome<N extends RequestName>(name: N, effect: Effect): Outcome<N> {
    if (effect.name === 'refused') return effect
    if (effect.name === 'silent') return { name: 'silent' }
    const answer = effect.name === 'answered' ? parseAnswer(name, effect.frame.payload) : undefined
    if (effect.name !== 'answered' || answer === undefined) return { name: 'lost', why: this.#why }
    return { name: 'answered', answer, link: effect.frame.link }
  }

  #receive(bytes: Uint8Array): void {
    if (this.#phase !== 'open') return
    const { counts, unasked } = this.#options
    const badBefore = this.#decoder.badFrames
    const frames = this.#decoder.push(bytes)
    counts.badFrames += this.#decoder.badFrames - badBefore
    counts.framesReceived += frames.length
    for (const frame of frames) {
      for (const effect of this.#step({ name: 'frame', frame })) {
        if (effect.name === 'unasked') unasked(effect.frame)
      }
    }
  }

  #step(input: Input): readonly Effect[] {
    const [state, effects] = step(this.#state, input)
    this.#state = state
    for (const effect of effects) {
      if (effect.name === 'send') this.#send(effect)
      else if (effect.name !== 'unasked') this.#settle(effect)
    }
    return effects
  }

  #send({ frame, repeat, waitMs }: Extract<Effect, { name: 'send' }>): void {
    const { counts, line, timers, baudRate } = this.#options
    const bytes = encodeFrame(frame)
    const lineMs = ((bytes.length + maxBody) * bitsPerByte * 1000) / baudRate
    counts.framesSent++
    if (repeat) counts.repeats++
    this.#timer = timers.after(waitMs + lineMs, () => this.#step({ name: 'timeout' }))
    line.write(bytes)
  }

  #settle(effect: Effect): void {
    this.#timer?.cancel()
    const settled = this.#active
    this.#active = undefined
    settled?.settle(effect)
    this.#pump()
  }

  #pump(): void {
    while (this.#active === undefined) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      if (this.#phase === 'open') this.#start(next)
      else next.settle({ name: 'lost' })
    }
  }

  #start(pending: Pending): void {
    this.#active = pending
    const { type, link, payload } = pending
    this.#step({ name: 'ask', request: { type, link, payload } })
  }

  #lose(why: string): void {
    if (this.#phase === 'gone') return
    this.#phase = 'gone'
    this.#why = why
    this.#step({ name: 'lost' })
    this.#pump()
    this.#opened(why)
    this.#gone(why)
  }
}
