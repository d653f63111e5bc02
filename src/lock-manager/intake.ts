import type { Clock } from '../platform/clock.ts'
import type { Log } from '../platform/logger.ts'
import { idOf, parsePayload, request, type WireRequest } from '../protocol/messages.ts'
import { advance, settle } from '../rules/expiry.ts'
import type { Fleet } from '../rules/fleet.ts'
import type { Query } from './answers.ts'
import type { Ledger } from './ledger.ts'
import type { Publisher } from './publisher.ts'
import { handle } from './wire.ts'

export interface IntakeOptions {
  readonly fleet: Fleet
  readonly ledger: Ledger
  readonly publisher: Publisher
  readonly clock: Clock
  readonly log: Log
  /** Runs something after the messages that have already arrived: requests that wait together share one commit. */
  readonly defer: (run: () => void) => void
  /** Whether requests are answered at all. */
  readonly serving: () => boolean
  /** Answers a question from what is durable. */
  readonly answer: (from: string, query: Query) => void
  /** A batch has been carried out, and stored or not. */
  readonly done: (stored: boolean) => void
}

interface Waiting {
  readonly from: string
  readonly request: WireRequest
}

/**
 * Requests on their way to the rules. Order of one batch: advance time and hand every waiting request to its rule; persist what
 * changed; keep it; only then send. A store that fails means that nothing of the batch has happened.
 */
export class Intake {
  readonly #o: IntakeOptions
  #queue: Waiting[] = []
  #flushing = false

  constructor(options: IntakeOptions) {
    this.#o = options
  }

  take(from: string, payload: Uint8Array): void {
    const parsed = parsePayload(request, payload)
    if (!parsed.ok) return this.#notUnderstood(from, payload, parsed.problem)
    this.#queue.push({ from, request: parsed.value })
    this.flushSoon()
  }

  #notUnderstood(from: string, payload: Uint8Array, problem: string): void {
    const { log, publisher, clock } = this.#o
    log.warn({ event: 'bad-request', from, code: 'LK-2006', problem }, 'a request was not understood')
    const id = idOf(payload)
    if (id !== undefined) publisher.notUnderstood(from, { id, problem }, clock.now())
  }

  /** Time may have something to do, or somebody to be served. */
  flushSoon(): void {
    if (this.#flushing) return
    this.#flushing = true
    this.#o.defer(() => {
      this.#flushing = false
      if (this.#o.serving()) this.#flush()
    })
  }

  #flush(): void {
    const batch = this.#queue
    this.#queue = []
    const asks = batch.filter(({ request: { op } }) => op !== 'query')
    const stored = this.#carryOut(asks)
    if (!stored) this.#carryOutOneByOne(asks)
    for (const { from, request: asked } of batch) if (asked.op === 'query') this.#o.answer(from, asked)
    this.#o.done(stored)
  }

  #carryOut(asks: readonly Waiting[]): boolean {
    const { fleet, ledger, clock } = this.#o
    const now = clock.now()
    advance(fleet, now)
    for (const ask of asks) this.#handle(ask, now)
    settle(fleet, now)
    return ledger.commit()
  }

  #handle({ from, request: asked }: Waiting, now: number): void {
    if (asked.op !== 'query') handle(this.#o.fleet, from, asked, now)
  }

  /** The store refuses: whatever needs no disk, heartbeats above all, goes on; the rest has not happened and is repeated by its sender. */
  #carryOutOneByOne(asks: readonly Waiting[]): void {
    const { fleet, ledger, clock } = this.#o
    fleet.storeRefuses = true
    for (const ask of asks) {
      this.#handle(ask, clock.now())
      ledger.commit()
    }
    fleet.storeRefuses = false
    fleet.due.reconsider()
  }
}
