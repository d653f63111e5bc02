import type { Message } from '../platform/broker.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import { LocksmithError } from '../protocol/errors.ts'
import type { Update } from '../protocol/messages.ts'
import { applyUpdate, PutOff, waitsForLock } from './change.ts'
import type { ChangeDeps } from './change-deps.ts'
import { retryUnverified } from './conclude.ts'
import { failureOf } from './failure.ts'
import { Inbox, readUpdate } from './inbox.ts'
import type { Outcomes } from './outcomes.ts'
import { settleStrays } from './stray.ts'

export interface WorkerOptions {
  readonly clock: Clock
  readonly deps: ChangeDeps
  readonly outcomes: Outcomes
  /** Lease left of this agent's session: without contact no change is begun. */
  readonly leaseLeftMs: () => number
}

/** Until what is in doubt, and waits for something, is looked at again. */
const DOUBT_AGAIN_MS = 10_000

interface Current {
  readonly update: Update
  readonly abort: AbortController
}

/** Does one thing at a time: what is in doubt first, then the updates in their order. */
export class Worker {
  readonly #options: WorkerOptions
  readonly #inbox = new Inbox()
  #current: Current | undefined
  #doubtsDue = false
  #life: Promise<void> | undefined
  #kickedMeanwhile = false
  #doubtTimer: Timer | undefined
  readonly #closing = new AbortController()

  constructor(options: WorkerOptions) {
    this.#options = options
  }

  hear(message: Message, resource: string): void {
    const incoming = readUpdate(message, resource)
    if (incoming.kind === 'withdrawn') this.#withdrawn(resource)
    else if (incoming.kind === 'update') this.#arrived(incoming.update)
    else this.#malformed(incoming.push, resource, incoming.error)
  }

  /** A controller is there, again: what is in doubt is looked at. */
  controllerBack(): void {
    this.#doubtsDue = true
    this.kick()
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted
  }

  /** Contact, a controller or an update has come. */
  kick(): void {
    // A life that has found nothing more to do may not be over yet: what comes in that moment must not be left lying.
    this.#kickedMeanwhile = this.#life !== undefined
    if (this.#life !== undefined || this.#closed) return
    this.#life = this.#work()
      .catch((error: unknown) => {
        this.#options.deps.log.error({ event: 'unforeseen', error }, 'the worker met something unforeseen')
      })
      .finally(() => {
        this.#life = undefined
        if (!this.#closed && (this.#doubtsDue || this.#kickedMeanwhile)) this.kick()
      })
  }

  /** Begins nothing more; a change under way comes to its end. */
  async close(): Promise<void> {
    this.#closing.abort(new PutOff())
    this.#doubtTimer?.cancel()
    if (this.#current !== undefined && waitsForLock(this.#options.deps))
      this.#current.abort.abort(new PutOff())
    await this.#life
  }

  async #work(): Promise<void> {
    while (!this.#closed) {
      if (this.#doubtsDue) await this.#settleDoubts()
      if (this.#options.leaseLeftMs() <= 0) return
      const update = this.#inbox.take()
      if (update === undefined) return
      await this.#apply(update)
    }
  }

  async #settleDoubts(): Promise<void> {
    this.#doubtsDue = false
    const { deps } = this.#options
    let awaits = false
    for (const resource of deps.journal.state.unverified.keys()) {
      const settled = await retryUnverified(deps, resource, this.#closing.signal)
      awaits ||= settled.awaits.length > 0
    }
    await settleStrays(deps)
    // A disk that was full gives no sign when it has space again.
    this.#doubtTimer?.cancel()
    if (awaits && !this.#closed) {
      this.#doubtTimer = this.#options.clock.after(DOUBT_AGAIN_MS, () => this.controllerBack())
    }
  }

  async #apply(update: Update): Promise<void> {
    const abort = new AbortController()
    this.#current = { update, abort }
    const ended = await applyUpdate(this.#options.deps, update, abort.signal)
    this.#current = undefined
    if (ended === 'put-off' && !this.#closed) this.#inbox.putBack(update)
    this.#options.outcomes.kick()
  }

  #arrived(update: Update): void {
    if (this.#current?.update.push === update.push || this.#inbox.has(update.push)) return
    const known = this.#options.outcomes.known(update.push)
    if (known !== undefined) return this.#again(update)
    this.#inbox.put(update)
    const current = this.#current
    if (current !== undefined && waitsForLock(this.#options.deps)) {
      if (current.update.resource === update.resource) current.abort.abort(superseded(update))
      else if (current.update.under === null && update.under !== null) current.abort.abort(new PutOff())
    }
    this.kick()
  }

  /** Answered before: the same answer once more, unless somebody plays an old message. */
  #again(update: Update): void {
    const { deps, outcomes } = this.#options
    const { push, resource, under } = update
    const floor = deps.guard.floor(resource)
    if (under !== null && under.fence < floor) {
      const why = `fence ${under.fence} of ${under.lock} is old: the floor is ${floor}`
      deps.log.warn({ event: 'update-refused', push, resource, code: 'LK-1011' }, `LK-1011 ${why}`)
      return
    }
    const known = outcomes.known(push)
    if (known !== undefined) outcomes.tell(known)
  }

  #withdrawn(resource: string): void {
    this.#inbox.withdraw(resource)
    const current = this.#current
    if (current?.update.resource === resource && waitsForLock(this.#options.deps)) {
      current.abort.abort(new LocksmithError('LK-3008', 'Locksmith has withdrawn the update'))
    }
  }

  #malformed(push: string, resource: string, error: LocksmithError): void {
    const { deps, outcomes } = this.#options
    const { code, why } = failureOf(error)
    deps.log.warn({ event: 'update-refused', push, resource, code }, `${code} ${why}`)
    outcomes.tell({ push, outcome: 'refused', code, detail: why.slice(0, 500), version: null })
  }
}

const superseded = (update: Update): LocksmithError =>
  new LocksmithError('LK-3008', `a newer update (push ${update.push}) has taken its place`)
