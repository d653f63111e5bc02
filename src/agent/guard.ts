import {
  type Controller,
  ControllerUnreachable,
  type Manoeuvre,
  type PauseReason,
  StandstillUnproved
} from '../../firmware-bridge/drivers/controller.ts'
import type { Clock } from '../platform/clock.ts'
import type { Log } from '../platform/logger.ts'
import type { LockFence } from '../rules/fleet.ts'
import {
  controllerHoldId,
  decision,
  drop,
  type Hold,
  type HoldKind,
  heldUnder,
  type Interlock,
  type LockView,
  limitsHoldId,
  type NewHold,
  onRecord,
  onTruth,
  raise,
  type TruthView,
  type Waiver,
  waive
} from '../rules/interlock.ts'
import { beyondLimits } from '../rules/limits.ts'
import { Post } from './post.ts'
import { type Check, Waiting } from './waiting.ts'

export type MotionState = 'running' | 'pausing' | 'paused' | 'resuming' | 'fault'

export interface GuardOptions {
  readonly interlock: Interlock
  readonly controllers: readonly Controller[]
  readonly clock: Clock
  readonly log: Log
  readonly standstillMs: number
  /** Something that others may see has changed. */
  readonly changed: () => void
  /** A controller can be worked with, again or for the first time. */
  readonly greeted: (controller: Controller) => void
}

/**
 * Keeps the controllers as the interlock's holds demand: pauses at the first, resumes when none is left and every controller
 * is known to stand. Nothing but a hold's fall, by evidence, ever leads to a resume.
 */
export class Guard {
  readonly posts: readonly Post[]
  readonly #options: GuardOptions
  readonly #waiting: Waiting
  #interlock: Interlock
  #floors: Readonly<Record<string, number>> = {}
  #closed = false

  constructor(options: GuardOptions) {
    this.#options = options
    this.#interlock = options.interlock
    this.#waiting = new Waiting(options.clock)
    const { clock, log, standstillMs } = options
    const hooks = {
      clock,
      log,
      standstillMs,
      floors: () => this.#floors,
      changed: () => this.#kick(),
      greeted: (post: Post) => {
        this.drop([controllerHoldId(post.name)])
        options.greeted(post.controller)
      },
      lost: (post: Post, why: string) => this.#raiseController(post, why),
      stopped: (post: Post) => this.#stoppedByItself(post)
    }
    this.posts = options.controllers.map((controller) => new Post(controller, hooks))
    for (const post of this.posts) this.#raiseController(post, 'it has not been reached yet')
  }

  /** Starts connecting to the controllers. */
  open(): void {
    for (const post of this.posts) post.open()
  }

  close(): void {
    this.#closed = true
    this.#waiting.close()
  }

  get interlock(): Interlock {
    return this.#interlock
  }

  get holds(): readonly Hold[] {
    return [...this.#interlock.holds.values()]
  }

  get standing(): boolean {
    return this.posts.every((post) => post.phase === 'standing')
  }

  /** The foreign grants under which every controller has proved that it stands. */
  get standingUnder(): readonly LockFence[] {
    return this.standing && decision(this.#interlock) === 'paused' ? heldUnder(this.#interlock) : []
  }

  /** A controller is on its way to safety by itself. */
  get manoeuvring(): boolean {
    return this.posts.some((post) => post.phase === 'manoeuvring')
  }

  get state(): MotionState {
    if (this.manoeuvring) return 'running'
    if (this.posts.some((post) => post.phase === 'fault' || post.phase === 'away')) return 'fault'
    if (decision(this.#interlock) === 'paused') return this.standing ? 'paused' : 'pausing'
    return this.posts.every((post) => post.phase === 'running') ? 'running' : 'resuming'
  }

  hearTruth(truth: TruthView, floors: Readonly<Record<string, number>>): void {
    this.#floors = grown(this.#floors, floors)
    for (const post of this.posts) {
      // What fails here is told again at the next greeting.
      if (post.greeted) post.tellFloors().catch(() => undefined)
    }
    this.#move(onTruth(this.#interlock, truth, this.#options.clock.now()))
  }

  hearRecord(record: LockView): void {
    this.#move(onRecord(this.#interlock, record, this.#options.clock.now()))
  }

  floor(resource: string): number {
    return this.#floors[resource] ?? 0
  }

  raise(hold: NewHold): void {
    this.#move(raise(this.#interlock, hold, this.#options.clock.now()))
  }

  drop(ids: readonly string[]): void {
    this.#move(drop(this.#interlock, ids, this.#options.clock.now()))
  }

  /** These holds, by the grants that were seen, stop the device no more. */
  waive(waivers: readonly Waiver[]): void {
    this.#move(waive(this.#interlock, waivers))
  }

  /** Orders every controller that can. The holds stay: where it has come to stand, the device is paused anew. */
  manoeuvre(how: Manoeuvre): void {
    for (const post of this.posts) if (post.phase === 'standing' && post.can(how)) post.manoeuvre(how)
  }

  /**
   * Resolves when every controller has proved that it stands under the present holds.
   * @throws StandstillUnproved, ControllerUnreachable after `withinMs`, or the reason of `signal`
   */
  standstill(withinMs: number, signal?: AbortSignal): Promise<void> {
    return this.#waiting.wait(this.#standstill, withinMs, signal)
  }

  /**
   * Resolves when every controller is reachable and has been greeted.
   * @throws ControllerUnreachable after `withinMs`, or the reason of `signal`
   */
  reachable(withinMs: number, signal?: AbortSignal): Promise<void> {
    return this.#waiting.wait(this.#reachable, withinMs, signal)
  }

  readonly #standstill: Check = () => {
    const unproved = this.posts.find(
      (post) => post.trouble instanceof StandstillUnproved && post.phase === 'fault'
    )
    if (unproved !== undefined) return { failed: unproved.trouble }
    if (this.standing && decision(this.#interlock) === 'paused') return 'done'
    const away = this.posts.find((post) => post.phase === 'away')
    return { late: away?.trouble ?? new StandstillUnproved(this.#options.standstillMs, undefined) }
  }

  readonly #reachable: Check = () => {
    // A driver has lost its session a moment before it says so.
    const away = this.posts.find((post) => !post.greeted || !post.controller.connected)
    if (away === undefined) return 'done'
    return { late: new ControllerUnreachable(`controller ${away.name}: ${away.trouble.message}`) }
  }

  #move(next: Interlock): void {
    if (next === this.#interlock) return
    const before = decision(this.#interlock)
    this.#interlock = next
    const now = decision(next)
    // The order to the controllers goes out before anything is written down about it.
    this.#kick()
    if (before !== now) this.#tell(now)
  }

  #tell(now: 'paused' | 'run'): void {
    const holds = this.holds.map(({ id, owner, fence }) => ({ id, owner, fence }))
    const said = now === 'paused' ? 'a hold was raised: pausing' : 'no hold is left: resuming'
    this.#options.log.info({ event: now, holds }, said)
  }

  /** Brings every controller nearer to what the holds demand. Safe to call at any time. */
  #kick(): void {
    if (this.#closed) return
    for (const post of this.posts) this.#watchLimits(post)
    if (decision(this.#interlock) === 'paused') this.#pauseAll()
    else this.#resumeAll()
    this.#waiting.look()
    this.#options.changed()
  }

  #pauseAll(): void {
    const why = reasonOf(this.holds)
    for (const post of this.posts) {
      if (post.phase === 'running' || post.phase === 'resuming' || post.phase === 'idle') post.pause(why)
    }
  }

  /** One controller that is in doubt keeps all of them standing. */
  #resumeAll(): void {
    for (const post of this.posts) if (post.phase === 'idle') post.pause('other')
    const ready = (post: Post): boolean =>
      post.greeted && (post.phase === 'standing' || post.phase === 'running' || post.phase === 'resuming')
    if (!this.posts.every(ready)) return
    for (const post of this.posts) if (post.phase === 'standing') post.resume()
  }

  /** One that would be set going beyond the limits of its configuration stands until it is within them. */
  #watchLimits(post: Post): void {
    const id = limitsHoldId(post.name)
    const beyond = beyondLimits(post.controller.status?.measured ?? [])
    if (beyond === undefined) return this.#interlock.holds.has(id) ? this.drop([id]) : undefined
    if (post.phase !== 'standing' || decision(this.#interlock) === 'paused') return
    const why = `controller ${post.name} must not be set going: ${beyond}`
    this.raise({ id, kind: 'controller', owner: this.#interlock.name, why })
  }

  #raiseController(post: Post, why: string): void {
    const { name } = this.#interlock
    const said = `controller ${post.name} is unreachable: ${why}`
    this.raise({ id: controllerHoldId(post.name), kind: 'controller', owner: name, why: said })
  }

  /** It is stopped, whatever the reason: where a restart awaits a person, this one does too. */
  #stoppedByItself(post: Post): void {
    const silent = post.controller.status?.hostSilent === true
    const why = `controller ${post.name} stopped by itself${silent ? ': it had not heard its host' : ''}`
    this.#options.log.warn({ event: 'controller-stopped', controller: post.name }, why)
    const id = controllerHoldId(post.name)
    this.raise({ id, kind: 'controller', owner: this.#interlock.name, why })
    this.drop([id])
  }
}

const PRIORITY: readonly [HoldKind, PauseReason][] = [
  ['config', 'config'],
  ['lock', 'lock'],
  ['contact', 'contact'],
  ['operator', 'operator'],
  ['controller', 'other']
]

function reasonOf(holds: readonly Hold[]): PauseReason {
  const found = PRIORITY.find(([kind]) => holds.some((hold) => hold.kind === kind && !hold.waived))
  return found?.[1] ?? 'other'
}

function grown(
  known: Readonly<Record<string, number>>,
  told: Readonly<Record<string, number>>
): Readonly<Record<string, number>> {
  const next: Record<string, number> = { ...known }
  for (const [resource, floor] of Object.entries(told)) next[resource] = Math.max(next[resource] ?? 0, floor)
  return next
}
