import type { ConnectBroker } from '../../../src/platform/broker.ts'
import { History, type Life, Timeline, VirtualBroker } from '../../../src/simulation/parts.ts'
import { EvenDice } from './even-dice.ts'
import { Tap } from './tap.ts'
import { type Selection, Transcript } from './transcript.ts'

/** How long a message takes from process to broker, and from there; and how long anything is waited for. */
const DELAY_MS = 2
const PATIENCE_MS = 300_000
/** Ids are made of pieces of 25 bits. */
const SMALLEST_DRAWN = 2 ** -25

/** Virtual time, a broker without mishaps of its own, and a transcript of what happens: what a story is played on. */
export class Stage {
  readonly timeline = new Timeline()
  readonly transcript = new Transcript(() => this.timeline.now)
  readonly tap = new Tap(this.transcript, () => this.timeline.now)
  readonly broker: VirtualBroker
  readonly even = new EvenDice()
  /** Looks at the parts after every event, and tells what has changed. */
  readonly watchers: (() => void)[] = []
  #passing = false
  #draws = 0

  constructor() {
    const { timeline, even } = this
    const weather = { loss: 0, duplicates: 0, usualDelayMs: DELAY_MS, late: 0, latestMs: DELAY_MS }
    this.broker = new VirtualBroker({
      timeline,
      dice: even,
      history: new History(() => timeline.now),
      weather
    })
  }

  /**
   * Chance for products' code: no draw is like another, as ids want it, and all lie in the middle, so that no jitter depends on
   * how many draws came before.
   */
  random = (): number => {
    this.#draws += 1
    return 0.5 + this.#draws * SMALLEST_DRAWN
  }

  connectorOf(life: Life): ConnectBroker {
    return this.tap.listen(life, this.broker.connector(life))
  }

  /** From now on these lines are shown, or hidden, besides the usual. */
  show(selection: Selection): void {
    this.transcript.selection = selection
  }

  tell(what: string): void {
    this.transcript.tell(what)
  }

  async pass(ms: number): Promise<void> {
    if (this.#passing) throw new Error('a story lets time pass in one place only: await what was begun')
    this.#passing = true
    await this.timeline.run(this.timeline.now + ms, () => {
      for (const look of this.watchers) look()
    })
    this.#passing = false
  }

  async until(what: string, done: () => unknown, withinMs = PATIENCE_MS): Promise<void> {
    const end = this.timeline.now + withinMs
    while (!done()) {
      if (this.timeline.now >= end) throw new Error(`waited ${withinMs} ms for ${what}\n${this.text}`)
      await this.pass(1)
    }
  }

  /** Lets time pass until it settles. */
  async settled<T>(what: string, promise: Promise<T>): Promise<T> {
    let over = false
    const end = (): void => {
      over = true
    }
    promise.then(end, end)
    await this.until(what, () => over)
    return promise
  }

  get text(): string {
    return `${this.transcript.lines.join('\n')}\n`
  }
}
