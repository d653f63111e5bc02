import { type Interruption, Life, Machine } from '../../../src/simulation/parts.ts'
import type { Stage } from './stage.ts'

/** A place where one process runs at a time; the story starts and ends its lives. */
export class Program {
  readonly name: string
  readonly machine: Machine
  /** Asked before anything leaves the process. */
  interrupt: () => Interruption = () => 'none'
  readonly #stage: Stage
  readonly #main: (life: Life) => void
  #life: Life | undefined
  #lives = 0

  constructor(stage: Stage, name: string, main: (life: Life) => void) {
    this.#stage = stage
    this.name = name
    this.#main = main
    this.machine = new Machine(name, stage.timeline, 1_000_000)
  }

  /** The present life. @throws when none runs */
  get life(): Life {
    if (this.#life === undefined) throw new Error(`${this.name} does not run`)
    return this.#life
  }

  get runs(): boolean {
    return this.#life !== undefined
  }

  start(): void {
    const { timeline, even } = this.#stage
    this.#lives += 1
    const life = new Life({
      host: this.name,
      number: this.#lives,
      machine: this.machine,
      timeline,
      dice: even,
      interrupt: () => this.interrupt()
    })
    this.#life = life
    life.onEnd(() => {
      this.#life = undefined
    })
    this.#say(this.#lives === 1 ? 'starts' : `starts (life ${this.#lives})`)
    this.#main(life)
  }

  /** kill -9. */
  kill(): void {
    this.#say('is killed (SIGKILL)')
    this.life.kill()
  }

  /** The process ends by itself. */
  exit(how: string): void {
    this.#say(how)
    this.life.kill()
  }

  stop(): void {
    this.#say('is stopped (SIGSTOP)')
    this.life.stop()
    for (const client of this.#stage.broker.clientsOf(this.life)) client.stopped()
  }

  wake(): void {
    this.#say('wakes (SIGCONT)')
    this.life.wake()
  }

  /** Power off and on: the machine's clock begins anew. Starts nothing. */
  reboot(): void {
    if (this.runs) this.life.kill()
    this.machine.reboot()
  }

  #say(what: string): void {
    this.#stage.transcript.add(`process:${this.name}`, this.name, what)
  }
}
