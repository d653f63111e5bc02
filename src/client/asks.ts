import type { Clock } from '../platform/clock.ts'
import { LocksmithError } from '../protocol/errors.ts'
import { MAX_ASKS, MAX_LOCKS, MAX_PHASE, type WireAsk, type WireAsked } from '../protocol/messages.ts'
import { MAX_REASON } from '../protocol/reason.ts'
import type { LockFence } from '../rules/fleet.ts'
import { parseLock } from '../rules/scope.ts'
import type { Ask, Grant } from './types.ts'

/** The place of a message in the order of things. */
export interface Revision {
  readonly term: number
  readonly rev: number
}

export const isOlder = (a: Revision, b: Revision): boolean =>
  a.term < b.term || (a.term === b.term && a.rev < b.rev)

/** Why an ask cannot even be sent: one that Locksmith cannot read would spoil every heartbeat that names it. */
export function wrongWith({ locks }: Ask, open: number): LocksmithError | undefined {
  const bad = locks.find((lock) => parseLock(lock) === undefined)
  if (bad !== undefined) return new LocksmithError('LK-1002', `"${bad}" is not a lock name`)
  if (locks.length === 0 || locks.length > MAX_LOCKS)
    return new LocksmithError('LK-1002', `1 to ${MAX_LOCKS} locks are asked for at once, not ${locks.length}`)
  if (open >= MAX_ASKS)
    return new LocksmithError(
      'LK-1004',
      `${open} requests of this session are open, the most that it can have`
    )
  return undefined
}

export interface AskContext {
  readonly clock: Clock
  /** Lease left now; 0 when it has run out. Judged by the clock at each call. */
  readonly leaseLeftMs: () => number
  readonly sendRelease: (request: string) => Promise<void>
  /** There is something new to tell: the next heartbeat comes soon. */
  readonly hurry: () => void
}

/**
 * One request of a session from its first message to its end. It is named in every heartbeat until its owner has released
 * it, also after it was lost: only then has the owner's present step ended.
 */
export class PendingAsk {
  readonly request: string
  readonly ask: Ask
  readonly granted: Promise<Grant>
  readonly #context: AskContext
  readonly #since: number
  readonly #lost = new AbortController()
  readonly #asked = new AbortController()
  #askedBy = ''
  #state: 'waiting' | 'held' | 'over' = 'waiting'
  #locks: readonly LockFence[] = []
  #at: Revision = { term: 0, rev: 0 }
  #phase: string
  #place = 0
  #resolve: (grant: Grant) => void = () => {}
  #reject: (error: Error) => void = () => {}

  constructor(request: string, ask: Ask, context: AskContext) {
    this.request = request
    this.ask = ask
    this.#context = context
    this.#since = context.clock.now()
    this.#phase = (ask.phase ?? '').slice(0, MAX_PHASE)
    this.granted = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  get state(): 'waiting' | 'held' | 'over' {
    return this.#state
  }

  readonly wire = (): WireAsk => {
    const { locks } = this.ask
    const reason = (this.ask.reason ?? '').slice(0, MAX_REASON)
    const waitedMs = Math.max(0, this.#context.clock.now() - this.#since)
    const over = this.#state === 'over' ? { over: true } : {}
    const { request } = this
    return { request, locks: [...locks], reason, waitedMs, phase: this.#phase, ...over }
  }

  /** Locksmith grants. It counts only while the lease lives: a grant carries no lease of its own. */
  grant(locks: readonly LockFence[], at: Revision): void {
    if (this.#state !== 'waiting' || this.#context.leaseLeftMs() <= 0) return
    const whole = this.ask.locks.every((wanted) => locks.some(({ lock }) => lock === wanted))
    if (!whole) {
      this.refuse(new LocksmithError('LK-1007', 'a part of the grant had ended before it was heard'))
      void this.#context.sendRelease(this.request)
      return
    }
    this.#state = 'held'
    this.#locks = locks
    this.#at = at
    this.#resolve(this.#face())
  }

  /** What a truthful reply lists as held; what it leaves out is lost, unless the reply is older than the grant. */
  confirm(holding: readonly LockFence[], at: Revision): void {
    if (this.#state === 'waiting' && holding.length > 0) return this.grant(holding, at)
    if (this.#state !== 'held' || isOlder(at, this.#at)) return
    const kept = this.#locks.every((mine) =>
      holding.some((one) => one.lock === mine.lock && one.fence === mine.fence)
    )
    if (!kept) this.lose(new LocksmithError('LK-1016', `${this.#names()} is no longer held`))
  }

  ended(how: string, at: Revision): void {
    if (this.#state === 'held' && !isOlder(at, this.#at)) {
      this.lose(new LocksmithError('LK-1016', `${this.#names()} was taken away: ${how}`))
    } else if (this.#state === 'waiting') {
      this.refuse(new LocksmithError('LK-1007', `the request ended: ${how}`))
    }
  }

  /** An operator asks for the lock. The error says so, the first time that this operation is heard of. */
  askedBack(lock: string, { operation, by, reason, inMs }: WireAsked): LocksmithError | undefined {
    if (this.#state !== 'held' || operation === this.#askedBy) return undefined
    this.#askedBy = operation
    const within = `within ${Math.round(inMs / 1000)} s`
    const asked = new LocksmithError(
      'LK-1018',
      `${by} asks for ${lock} ${within}, then it is cleared: ${reason}`
    )
    this.#asked.abort(asked)
    return asked
  }

  queued(place: number, blockers: Parameters<NonNullable<Ask['onQueued']>>[1]): void {
    if (this.#state !== 'waiting' || place === this.#place) return
    this.#place = place
    this.ask.onQueued?.(place, blockers)
  }

  refuse(error: Error): void {
    if (this.#state !== 'waiting') return
    this.#state = 'over'
    this.#reject(error)
  }

  lose(error: Error): void {
    if (this.#state !== 'held') return
    this.#state = 'over'
    this.#lost.abort(error)
  }

  #names(): string {
    return this.#locks.map(({ lock, fence }) => `${lock} (fence ${fence})`).join(', ')
  }

  #face(): Grant {
    const locks = this.#locks
    const [lost, asked] = [this.#lost, this.#asked]
    return {
      request: this.request,
      locks,
      get lost() {
        return lost.signal
      },
      get asked() {
        return asked.signal
      },
      leftMs: () => {
        const left = this.#context.leaseLeftMs()
        return this.#state === 'held' ? left : 0
      },
      fence: (name) => locks.find(({ lock }) => lock === name)?.fence ?? 0,
      setPhase: (phase) => {
        const said = phase.slice(0, MAX_PHASE)
        if (said === this.#phase) return
        this.#phase = said
        this.#context.hurry()
      },
      release: async () => {
        this.lose(new LocksmithError('LK-1016', 'released'))
        await this.#context.sendRelease(this.request)
      }
    }
  }
}
