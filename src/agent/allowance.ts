import type { Controller } from '../../firmware-bridge/drivers/controller.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import type { Log } from '../platform/logger.ts'
import { CODE_OF, describe, LocksmithError } from '../protocol/errors.ts'
import {
  type AfterBudget,
  afterBudget,
  type Budget,
  type Doing,
  doingNow,
  keepEveryMs,
  keptOf,
  lastingWaivers,
  leftAt,
  roomFor,
  type Verdict
} from '../rules/budget.ts'
import { STEPS } from '../rules/change.ts'
import { type Waiver, waiversOf } from '../rules/interlock.ts'
import type { Authority } from './authority.ts'
import type { Guard } from './guard.ts'
import type { Journal } from './journal.ts'
import type { Keeper } from './keeper.ts'

export interface AllowanceOptions {
  readonly budget: Budget
  readonly afterBudget: AfterBudget
  readonly boot: string
  readonly guard: Guard
  readonly controllers: readonly Controller[]
  readonly journal: Journal
  readonly keeper: Keeper
  readonly clock: Clock
  readonly log: Log
}

/** A pause as short as this is not worth a write of its own. */
const KEEP_AFTER_MS = 1000

const AUDIT_AGAIN_MS = 5000

/** A controller stores a roll-back within 0.2 s; with all repeats a request is answered, or the line called silent, within 3 s. */
const ROLL_BACK_MS = 3000

/** Watches how long the device stands, keeps that over restarts, and does what its owner wrote down for the end of the budget. */
export class Allowance {
  readonly #o: AllowanceOptions
  #budget: Budget
  #change: AbortController | undefined
  #due: Timer | undefined
  #save: Timer | undefined
  #kept = ''
  #said = ''
  /** The manoeuvre of this standstill has been ordered. */
  #ordered = false
  #closed = false

  constructor(options: AllowanceOptions) {
    this.#o = options
    this.#budget = options.budget
    this.#kept = JSON.stringify(this.#waivers)
    this.#plan()
  }

  get leftMs(): number {
    return leftAt(this.#budget, this.#o.clock.now())
  }

  /** The guard's state, or what is known of the configuration, may have changed. */
  look(): void {
    if (this.#closed) return
    const doing = this.#doing()
    if (doing !== this.#budget.doing) {
      this.#budget = doingNow(this.#budget, doing, this.#o.clock.now())
      this.#plan()
      this.#saveSoon()
    }
    if (doing === 'moving') {
      this.#said = ''
      this.#ordered = false
    } else this.#judge()
    if (JSON.stringify(this.#waivers) !== this.#kept) this.#saveSoon()
  }

  /** Throws unless the roll-back of a change of this resource fits what is left. @throws LocksmithError LK-4003 */
  requireRoom(resource: string): void {
    const { guard, journal } = this.#o
    const refusal = roomFor({
      afterBudget: this.#o.afterBudget,
      fullMs: this.#budget.fullMs,
      leftMs: this.leftMs,
      rollBackMs: this.#rollBackMs,
      standing: guard.standing,
      inDoubt: journal.state.unverified.has(resource)
    })
    if (refusal !== undefined) throw new LocksmithError(CODE_OF[refusal.why], describe(refusal))
  }

  /** The right to change, until the change has to go back for want of budget. */
  bound(authority: Authority): Authority {
    const change = new AbortController()
    this.#change = change
    return {
      ...authority,
      leftMs: () => (change.signal.aborted ? 0 : authority.leftMs()),
      lost: AbortSignal.any([change.signal, authority.lost])
    }
  }

  close(): void {
    this.#closed = true
    this.#due?.cancel()
    this.#save?.cancel()
    this.#keep()
  }

  get #rollBackMs(): number {
    return ROLL_BACK_MS * (1 + this.#o.controllers.length)
  }

  get #waivers(): readonly Waiver[] {
    return lastingWaivers(waiversOf(this.#o.guard.interlock))
  }

  get #changing(): boolean {
    const { open } = this.#o.journal.state
    return open !== null && STEPS.indexOf(open.step) > STEPS.indexOf('acquire')
  }

  #doing(): Doing {
    const { guard, journal } = this.#o
    if (guard.manoeuvring) return 'neither'
    if (guard.state !== 'running') return 'standing'
    return journal.state.unverified.size === 0 ? 'moving' : 'neither'
  }

  #judge(): void {
    const { guard, controllers } = this.#o
    const leftMs = this.leftMs
    if (leftMs > this.#rollBackMs || this.#budget.doing !== 'standing') return
    this.#obey(
      afterBudget({
        afterBudget: this.#o.afterBudget,
        autoRestart: guard.interlock.autoRestart,
        holds: guard.holds,
        changing: this.#changing,
        leftMs,
        rollBackMs: this.#rollBackMs,
        manoeuvres: controllers.flatMap(({ capabilities }) => capabilities?.manoeuvres ?? [])
      })
    )
  }

  #obey(verdict: Verdict): void {
    switch (verdict.do) {
      case 'wait':
        return
      case 'stay':
        return this.#say('stays', verdict.why)
      case 'roll-back':
        return this.#giveUp()
      case 'resume':
        if (!this.#record('resume', verdict.waivers)) return this.#tryLater()
        return this.#o.guard.waive(verdict.waivers)
      case 'manoeuvre':
        if (this.#ordered) return
        this.#ordered = true
        this.#record(verdict.how, verdict.over)
        return this.#o.guard.manoeuvre(verdict.how)
    }
  }

  #giveUp(): void {
    const why = 'the pause budget is nearly used up: the change goes back before the device has to move'
    this.#say('rolls-back', why)
    this.#change?.abort(new LocksmithError('LK-4003', why))
  }

  #say(does: string, why: string): void {
    if (this.#said === `${does}: ${why}`) return
    this.#said = `${does}: ${why}`
    this.#o.log.warn({ event: 'pause-budget', does, leftMs: this.leftMs }, `the pause budget: ${why}`)
  }

  /** A disk that refused gives no sign when it takes something again. */
  #tryLater(): void {
    this.#say('stays', 'what overrides a hold has to be written down first, and the disk refuses')
    this.#due?.cancel()
    this.#due = this.#o.clock.after(AUDIT_AGAIN_MS, () => this.look())
  }

  /**
   * What overrides a hold is on disk, with its reason, before anything moves by it. A manoeuvre, which leads to safety, does not
   * wait for that. False when the disk refused.
   */
  #record(did: string, over: readonly Waiver[]): boolean {
    const { keeper, log, clock } = this.#o
    const why = `the pause budget of ${this.#budget.fullMs} ms is used up`
    const holds = over.map((waiver) =>
      waiver.fence === undefined ? waiver.id : `${waiver.id} (fence ${waiver.fence})`
    )
    const recorded = keeper.audit({ at: clock.wall().toISOString(), what: 'after-budget', did, over, why })
    if (!recorded && did === 'resume') return false
    keeper.keep(keptOf(this.#budget, this.#o.boot), [...this.#waivers, ...lastingWaivers(over)])
    log.warn({ event: 'after-budget', did, over }, `${why}: ${did}, in spite of ${holds.join(', ')}`)
    return recorded
  }

  #plan(): void {
    this.#due?.cancel()
    if (this.#closed) return
    const { doing, fullMs } = this.#budget
    const leftMs = this.leftMs
    const changes = doing === 'standing' ? leftMs > 0 : doing === 'moving' && leftMs < fullMs
    if (!changes) return
    const marks = doing === 'standing' ? [leftMs - this.#rollBackMs, leftMs].filter((ms) => ms > 0) : []
    this.#due = this.#o.clock.after(Math.min(...marks, keepEveryMs(this.#budget)), () => {
      this.#budget = doingNow(this.#budget, doing, this.#o.clock.now())
      this.look()
      this.#plan()
      this.#saveSoon()
    })
  }

  #saveSoon(): void {
    this.#save ??= this.#o.clock.after(KEEP_AFTER_MS, () => {
      this.#save = undefined
      this.#keep()
    })
  }

  #keep(): void {
    const waivers = this.#waivers
    this.#kept = JSON.stringify(waivers)
    this.#o.keeper.keep(keptOf(this.#budget, this.#o.boot), waivers)
  }
}
