import type { Dice } from './dice.ts'
import { Life } from './life.ts'
import type { Machine } from './machine.ts'
import type { World } from './world.ts'

export interface HostOptions {
  readonly name: string
  /** For statistics: `agent`, `tool`, `push`, `locksmith`. */
  readonly kind: string
  readonly machine: Machine
  /** Begins a life. When the promise resolves the process exits by itself. */
  readonly main: (life: Life) => Promise<void>
  /** How long until it is started again, by whoever does that. */
  readonly restartMs: (dice: Dice) => number
  /** It is needed also when faults have ceased; others are gone then, whatever they hold. */
  readonly stays?: boolean
}

/** A place where one process runs at a time, and is started again after its end. */
export class Host {
  readonly name: string
  readonly kind: string
  readonly machine: Machine
  readonly stays: boolean
  readonly #world: World
  readonly #options: HostOptions
  readonly #dice: Dice
  #life: Life | undefined
  #lives = 0
  #ended = false

  constructor(world: World, options: HostOptions) {
    this.name = options.name
    this.kind = options.kind
    this.machine = options.machine
    this.stays = options.stays ?? false
    this.#world = world
    this.#options = options
    this.#dice = world.dice.fork(`restarts of ${options.name}`)
    world.hosts.push(this)
  }

  get life(): Life | undefined {
    return this.#life
  }

  get lives(): number {
    return this.#lives
  }

  /** Its process is gone, and is not started again by itself. */
  end(): void {
    this.#ended = true
    this.#life?.kill()
  }

  startIn(ms: number): void {
    this.#ended = false
    this.#world.timeline.after(ms, () => this.#start())
  }

  #start(): void {
    if (this.#ended || this.#life !== undefined || (this.#world.calm && !this.stays)) return
    const { timeline, dice, history } = this.#world
    this.#lives += 1
    const life = new Life({
      host: this.name,
      number: this.#lives,
      machine: this.machine,
      timeline,
      dice: dice.fork(this.name),
      interrupt: (of) => this.#world.interrupt(of)
    })
    this.#life = life
    history.note(this.name, `starts (life ${this.#lives})`)
    life.onEnd(() => {
      this.#life = undefined
      if (!this.#ended) this.startIn(this.#options.restartMs(this.#dice))
    })
    void this.#options.main(life).then(() => {
      if (life.running) history.note(this.name, 'exits')
      if (!life.dead) life.kill()
    })
  }
}

/** Time passes for this process. */
export const sleep = (life: Life, ms: number): Promise<void> =>
  new Promise((resolve) => life.clock.after(ms, resolve))
