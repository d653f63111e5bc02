import type { Frame } from '../../link/frame.ts'
import type { Timers } from '../../link/line.ts'
import { parseUnasked, type RequestName, type Requests, type StatusMessage } from '../../link/messages.ts'
import type { Outcome, RequestLine } from '../../link/requests.ts'
import { type Greeting, whyOf } from './greeting.ts'
import { isSameOrNewerPause } from './translate.ts'

export interface SessionOptions {
  readonly line: RequestLine
  readonly timers: Timers
  readonly greeting: Greeting
  /** Between two heartbeats. */
  readonly beatMs: number
  readonly heard: (status: StatusMessage) => void
}

/** `relink`: the line is fine, but the controller has another link now; hello is due. */
export type End = { readonly name: 'relink' | 'lost'; readonly why: string }

type Watch = (status: StatusMessage | undefined) => void

/** Between two statuses while somebody waits for one; the controller also tells changes unasked. */
const watchMs = 50
const forgotten = 'the controller has forgotten this link: it restarted, or another host said hello'

/** One link with the controller, from an answered hello until the controller or the line has forgotten it. */
export class Session {
  readonly greeting: Greeting
  readonly #options: SessionOptions
  readonly #watches = new Set<Watch>()
  #status: StatusMessage | undefined
  #pauseId: number | undefined
  #end: End | undefined
  #ended: (end: End) => void = () => {}
  #beat: { cancel(): void } | undefined
  readonly ended = new Promise<End>((resolve) => {
    this.#ended = resolve
  })

  constructor(options: SessionOptions) {
    this.#options = options
    this.greeting = options.greeting
    void options.line.gone.then((why) => this.#finish({ name: 'lost', why }))
  }

  /** Why it is over, or undefined while it lives. */
  get over(): End | undefined {
    return this.#end
  }

  get status(): StatusMessage | undefined {
    return this.#status
  }

  /** The newest pause known: of the last status, or acknowledged since. */
  get pauseId(): number | undefined {
    return this.#pauseId
  }

  /** Asks for the first status and keeps asking; the session is up when this resolves with undefined. */
  async begin(): Promise<End | undefined> {
    await this.ask('status', {})
    this.#schedule()
    return this.#end
  }

  async ask<N extends RequestName>(name: N, request: Requests[N], urgent = false): Promise<Outcome<N>> {
    if (this.#end !== undefined) return { name: 'lost', why: this.#end.why }
    const { link } = this.greeting
    const outcome = await this.#options.line.ask(name, request, { link, urgent })
    if (outcome.name === 'answered') this.#answered(name, outcome as Outcome<RequestName>)
    else if (outcome.name === 'silent') this.#finish({ name: 'lost', why: whyOf(name, outcome) })
    else if (outcome.name === 'refused' && outcome.reason === 'old-link') this.#forget()
    return outcome
  }

  /** A frame that answers nothing under way. */
  hear(frame: Frame): void {
    const status = parseUnasked(frame)
    if (status === undefined || this.#end !== undefined) return
    if (frame.link === this.greeting.link) this.#heard(status)
    else this.#beatNow()
  }

  /**
   * Resolves with the first status that `accept` likes, the last one heard included; with undefined when the session
   * ended or `untilMs` (of the timers' clock) came first.
   */
  seen(accept: (status: StatusMessage) => boolean, untilMs: number): Promise<StatusMessage | undefined> {
    const { timers } = this.#options
    if (this.#end !== undefined) return Promise.resolve(undefined)
    if (this.#status !== undefined && accept(this.#status)) return Promise.resolve(this.#status)
    return new Promise((resolve) => {
      const late = timers.after(Math.max(0, untilMs - timers.now()), () => watch(undefined))
      const watch: Watch = (status) => {
        if (status !== undefined && !accept(status)) return
        late.cancel()
        this.#watches.delete(watch)
        resolve(status)
      }
      this.#watches.add(watch)
      this.#beatNow()
    })
  }

  #answered(name: RequestName, outcome: Outcome<RequestName>): void {
    if (outcome.name !== 'answered') return
    if (name === 'status') this.#heard(outcome.answer as StatusMessage)
    if (name !== 'pause') return
    if (outcome.link !== this.greeting.link) this.#forget()
    else this.#pauseId = (outcome.answer as { pauseId: number }).pauseId
  }

  #heard(status: StatusMessage): void {
    this.#status = status
    if (this.#pauseId === undefined || isSameOrNewerPause(status.pauseId, this.#pauseId)) {
      this.#pauseId = status.pauseId
    }
    for (const watch of [...this.#watches]) watch(status)
    this.#options.heard(status)
  }

  #forget(): void {
    this.#finish({ name: 'relink', why: forgotten })
  }

  #finish(end: End): void {
    if (this.#end !== undefined) return
    this.#end = end
    this.#beat?.cancel()
    for (const watch of [...this.#watches]) watch(undefined)
    this.#ended(end)
  }

  #schedule(): void {
    if (this.#end !== undefined) return
    const ms = this.#watches.size > 0 ? watchMs : this.#options.beatMs
    this.#beat?.cancel()
    this.#beat = this.#options.timers.after(ms, () => this.#beatNow())
  }

  /** A request under way is a heartbeat as good as any. */
  #beatNow(): void {
    this.#schedule()
    if (!this.#options.line.busy) void this.ask('status', {})
  }
}
