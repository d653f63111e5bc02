import { setTimeout as pauseFor } from 'node:timers/promises'
import type { Line } from './children.ts'
import { type DemoEvent, eventOf } from './events.ts'
import type { DemoFleet } from './fleet.ts'
import type { DemoOutput } from './index.ts'
import { drawPicture } from './picture.ts'
import { type AgentProcess, agentsGone, pictureOf, type Scene } from './scene.ts'
import { FleetWatch } from './watch.ts'

const DRAW_EVERY_MS = 500
const EVENTS_KEPT = 100
const READY_WITHIN_MS = 60_000
/** Of the picture that is printed once, where nobody can be seen to look. */
const PLAIN = { columns: 80, rows: 40 }
const UNKNOWN_TERMINAL = { columns: 80, rows: 24 }

export interface ViewOptions {
  readonly out: DemoOutput
  readonly stop: AbortSignal
}

/** The fleet as people see it, kept up to date. */
export class View {
  readonly #fleet: DemoFleet
  readonly #watch: FleetWatch
  readonly #events: DemoEvent[] = []
  readonly #endedAtMs = new Map<number, number>()
  #leftRunning: readonly string[] = []

  constructor(fleet: DemoFleet) {
    this.#fleet = fleet
    this.#watch = new FleetWatch(fleet.url)
    fleet.children.onLine((line) => this.#hear(line))
    fleet.children.onEnd((child) => {
      this.#endedAtMs.set(child.pid, performance.now())
      void child.ended.then(({ code, signal }) =>
        this.#add({ from: child.name, text: `ended: ${signal ?? `exit ${code}`}`, hot: false })
      )
    })
  }

  #hear(line: Line): void {
    const event = eventOf(line, new Date())
    if (event !== undefined) this.#add(event)
  }

  #add(event: Omit<DemoEvent, 'at'>): void {
    this.#events.push({ at: new Date().toISOString().slice(11, 19), ...event })
    if (this.#events.length > EVENTS_KEPT) this.#events.shift()
  }

  /**
   * As JSON: one line once every device is in contact. With a terminal: a picture that is drawn over again. Without: one
   * picture. Ends when told to stop.
   */
  async run({ out, stop }: ViewOptions): Promise<void> {
    const asking = this.#keepAsking(stop)
    try {
      const live = process.stdout.isTTY === true && process.env.TERM !== 'dumb' && !out.json
      if (live) return await this.#draw(out, stop)
      await this.#ready(stop)
      if (stop.aborted) return
      out.data(this.#fleet.index)
      if (!out.json)
        out.print(['', ...drawPicture(pictureOf(this.scene), { ...PLAIN, colour: out.colour })].join('\n'))
      await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }))
    } finally {
      // The last look may be older than an agent that was started just now.
      if (this.scene.agents.some(({ running }) => !running)) await this.#watch.ask()
      const { elsewhere } = agentsGone(this.scene)
      this.#leftRunning = elsewhere
      if (elsewhere.length > 0)
        out.note(`Not the demo's, and left running: the agent of ${elsewhere.join(', ')}`)
      await this.#watch.close()
      await asking
    }
  }

  /** Devices whose agents somebody else runs, in the folder of the demo; known at the end. */
  get leftRunning(): readonly string[] {
    return this.#leftRunning
  }

  get scene(): Scene {
    const { url: broker, folder, locksmith, serveConfig } = this.#fleet
    return {
      nowMs: performance.now(),
      broker,
      folder,
      locksmith: { running: locksmith.running, config: serveConfig },
      agents: this.#fleet.devices.map(({ device, name, config }): AgentProcess => {
        const { pid, running, state } = this.#fleet.agent(name)
        const axis = this.#fleet.trace(name).last
        const stopped = running && state() === 'T'
        return { device, config, pid, running, stopped, endedAtMs: this.#endedAtMs.get(pid), axis }
      }),
      answer: this.#watch.answer,
      events: this.#events
    }
  }

  async #keepAsking(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await this.#watch.ask()
      await pause(DRAW_EVERY_MS, stop)
    }
  }

  /** Resolves when every device is in contact and its axis was seen, when told to stop, or when it takes too long. */
  async #ready(stop: AbortSignal): Promise<void> {
    const deadline = performance.now() + READY_WITHIN_MS
    while (!stop.aborted && performance.now() < deadline) {
      const devices = this.#watch.answer?.devices ?? []
      const inContact = this.#fleet.devices.filter(({ device, name }) => {
        const row = devices.find((one) => one.device === device)
        return row?.online === true && this.#fleet.trace(name).last !== undefined
      })
      if (inContact.length === this.#fleet.devices.length) return
      await pause(DRAW_EVERY_MS / 5, stop)
    }
  }

  /** Each picture is one write over the last one, without clearing in between: nothing flickers. */
  async #draw(out: DemoOutput, stop: AbortSignal): Promise<void> {
    const { stdout } = process
    // What is on the screen moves up into the history.
    stdout.write('\n'.repeat(stdout.rows || UNKNOWN_TERMINAL.rows))
    const clear = (): void => void stdout.write('\x1b[H\x1b[2J')
    stdout.on('resize', clear)
    try {
      while (!stop.aborted) {
        const columns = (stdout.columns || UNKNOWN_TERMINAL.columns) - 1
        const rows = stdout.rows || UNKNOWN_TERMINAL.rows
        const lines = drawPicture(pictureOf(this.scene), { columns, rows, colour: out.colour })
        stdout.write(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\n')}\x1b[J`)
        await pause(DRAW_EVERY_MS, stop)
      }
    } finally {
      stdout.off('resize', clear)
      stdout.write('\n')
    }
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  pauseFor(ms, undefined, { signal }).catch(() => undefined)
