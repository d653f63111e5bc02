import type { ConnectBroker } from '../platform/broker.ts'
import type { Policy } from '../rules/policy.ts'
import { DEFAULT_POLICY } from '../rules/policy.ts'
import { Dice } from './dice.ts'
import { History } from './history.ts'
import type { Host } from './host.ts'
import type { Interruption, Life } from './life.ts'
import { Machine } from './machine.ts'
import { VirtualBroker } from './mqtt/broker.ts'
import { drawWeather } from './mqtt/network.ts'
import { Register } from './register.ts'
import { Timeline } from './timeline.ts'

/** A promise, by its number in src/rules/README.md. */
export type Invariant = number

export interface Violation {
  readonly invariant: Invariant
  readonly what: string
  readonly seed: number
  readonly atMs: number
  /** Repeats it. */
  readonly command: string
  /** The last lines of the story, oldest first; of the shrunk one if there is any. */
  readonly history: readonly string[]
  /** What is left of its faults when those that do not matter are left out. */
  readonly shrunk?: Shrunk
}

export interface Shrunk {
  /** How the same promise is broken with these faults alone. */
  readonly what: string
  /** How many faults there were. */
  readonly from: number
  readonly faults: readonly {
    readonly number: number
    readonly fault: string
    readonly victim: string
    readonly atMs: number
  }[]
  /** Repeats just this. */
  readonly command: string
}

export const FLEET = 'sim'
const HISTORY_LINES = 60
/** How long a seed runs unless something else is asked for. */
export const USUAL_MINUTES = 10

/** Everything that exists in one run, and the chance that rules it. */
export class World {
  readonly seed: number
  readonly dice: Dice
  readonly timeline = new Timeline()
  readonly history: History
  readonly broker: VirtualBroker
  readonly register = new Register(() => this.timeline.now)
  readonly ttlMs: number
  readonly policy: Policy
  readonly hosts: Host[] = []
  /** Set by whoever deals out faults: asked before each effect of a process. */
  interrupt: (life: Life) => Interruption = () => 'none'
  /** Until then the broker forgets nothing: it is the only one that knows what a restored store has lost. */
  rememberUntil = 0
  forgotAt = Number.NEGATIVE_INFINITY
  /** Faults have ceased. */
  calm = false
  #violation: Violation | undefined
  readonly #minutes: number

  /** `minutes`: how long faults come. */
  constructor(seed: number, minutes: number) {
    this.seed = seed
    this.#minutes = minutes
    this.dice = new Dice(seed)
    this.history = new History(() => this.timeline.now)
    const { timeline, history } = this
    const rules = this.dice.fork('policy')
    this.ttlMs = rules.pick([1500, 3000, 3000, 6000, 15_000])
    const weather = drawWeather(this.dice.fork('weather'), this.ttlMs)
    this.broker = new VirtualBroker({ timeline, history, weather, dice: this.dice.fork('network') })
    this.policy = {
      ...DEFAULT_POLICY,
      maxHoldMs: this.ttlMs * rules.pick([3, 10, 60]),
      patienceMs: 20_000 + 4 * this.ttlMs,
      lockDelayMs: rules.pick([0, 0, 0, 500, 2000, 10_000])
    }
  }

  get violation(): Violation | undefined {
    return this.#violation
  }

  /** How a process reaches the broker. */
  connectorOf(life: Life): ConnectBroker {
    return this.register.listen(life, this.broker.connector(life))
  }

  machine(name: string): Machine {
    return new Machine(name, this.timeline, Math.floor(this.dice.between(10_000, 10_000_000)))
  }

  /** A promise was broken: the run ends here. */
  violate(invariant: Invariant, what: string): void {
    if (this.#violation !== undefined) return
    this.history.note('judge', `promise ${invariant} is broken: ${what}`)
    const minutes = this.#minutes === USUAL_MINUTES ? '' : ` --run-minutes ${this.#minutes}`
    this.#violation = {
      invariant,
      what,
      seed: this.seed,
      atMs: Math.round(this.timeline.now),
      command: `npm run --silent locksmith -- simulate --seed ${this.seed}${minutes}`,
      history: this.history.latest(HISTORY_LINES)
    }
    this.timeline.end()
  }
}
