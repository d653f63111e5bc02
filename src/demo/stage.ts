import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'smol-toml'
import { type FleetConnection, openFleetConnection } from '../client/index.ts'
import type { Message } from '../platform/broker.ts'
import { systemClock } from '../platform/clock.ts'
import { systemFiles } from '../platform/durable-file.ts'
import { connectBroker } from '../platform/mqtt-connection.ts'
import type { LockRecord } from '../protocol/messages.ts'
import type { Child, Ended } from './children.ts'
import type { DemoFleet } from './fleet.ts'
import { aimDocument } from './layout.ts'
import type { Trace, TraceLine } from './traces.ts'

const LOOK_EVERY_MS = 20
export const SENSITIVITY = 'aim.sensitivity'

/** What did not happen, in words. */
export class StoryError extends Error {}

export function must(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new StoryError(otherwise)
}

export interface Command {
  readonly child: Child
  readonly ended: Ended
  readonly json: Readonly<Record<string, unknown>>
}

/** A message that somebody sent to Locksmith or to a device, as the broker passed it on. */
export interface Overheard {
  readonly atMs: number
  readonly topic: string
  readonly body: Readonly<Record<string, unknown>>
}

/** Where the story plays: the fleet, a listener at the broker, and waiting with a deadline. */
export class Stage {
  readonly fleet: DemoFleet
  readonly ttlMs: number
  readonly lockDelayMs: number
  readonly spy: FleetConnection
  readonly overheard: Overheard[] = []
  #query = 0
  #commands = 0

  constructor(fleet: DemoFleet, times: { readonly ttlMs: number; readonly lockDelayMs: number }) {
    this.fleet = fleet
    this.ttlMs = times.ttlMs
    this.lockDelayMs = times.lockDelayMs
    this.spy = openFleetConnection({
      connect: connectBroker(fleet.url),
      clock: systemClock({ keepAlive: true }),
      fleet: 'default',
      principal: 'spy',
      clientId: 'demo-spy'
    })
    this.spy.subscribe([this.spy.topics.allRequests, this.spy.topics.allUpdates])
    this.spy.onMessage((message) => this.#overhear(message))
  }

  #overhear({ topic, payload }: Message): void {
    if (payload.length === 0) return
    try {
      const body = JSON.parse(new TextDecoder().decode(payload)) as Record<string, unknown>
      this.overheard.push({ atMs: Date.now(), topic, body })
    } catch {
      // Garbage on the bus is no evidence.
    }
  }

  /** Resolves once `look` gives something; throws what was being waited for after the deadline. */
  async until<T>(
    what: string,
    withinMs: number,
    look: () => T | undefined | false | Promise<T | undefined | false>
  ): Promise<T> {
    const deadline = performance.now() + withinMs
    for (;;) {
      const seen = await look()
      if (seen !== undefined && seen !== false) return seen
      if (performance.now() > deadline)
        throw new StoryError(`${what}: not seen within ${Math.round(withinMs)} ms`)
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    }
  }

  /** Starts a verb as a process; its JSON goes to stdout. */
  begin(args: readonly string[]): Child {
    this.#commands += 1
    return this.fleet.children.start(`${this.#commands}-${args[0]}`, [...args, '--json'])
  }

  async finish(child: Child, withinMs: number): Promise<Command> {
    const timer = setTimeout(() => child.signal('SIGKILL'), withinMs)
    const ended = await child.ended
    clearTimeout(timer)
    const json =
      child.lines.findLast((line) => line.stream === 'stdout' && line.json !== undefined)?.json ?? {}
    return { child, ended, json }
  }

  run(args: readonly string[], withinMs = 30_000): Promise<Command> {
    return this.finish(this.begin(args), withinMs)
  }

  async query(what: 'locks' | 'devices'): Promise<unknown> {
    this.#query += 1
    const id = `spy-${process.pid}-${this.#query}`
    return (await this.spy.call({ op: 'query', id, what }, 'answer', 3000)).data
  }

  async lock(name: string): Promise<LockRecord | undefined> {
    const locks = (await this.query('locks').catch(() => [])) as LockRecord[]
    return locks.find((record) => record.lock === name)
  }

  async untilFree(name: string, withinMs: number): Promise<void> {
    await this.until(`${name} comes free`, withinMs, async () => (await this.lock(name))?.state === 'free')
  }

  get traces(): Trace[] {
    return [...this.fleet.traces.values()]
  }

  /** A trace line from now on in which the axis moves. */
  async untilMoving(names: readonly string[], withinMs: number): Promise<void> {
    const since = Date.now()
    await this.until(`${names.join(', ')} move again`, withinMs, () =>
      names.every((name) => {
        const last = this.fleet.trace(name).last
        return (
          last !== undefined &&
          !last.paused &&
          this.fleet.trace(name).find(since, (line) => line.moving) !== undefined
        )
      })
    )
  }

  standing = (line: TraceLine | undefined): boolean => line?.paused === true && !line.moving

  async untilStanding(names: readonly string[], withinMs: number): Promise<void> {
    await this.until(`${names.join(', ')} stand still`, withinMs, () =>
      names.every((name) => this.standing(this.fleet.trace(name).last))
    )
  }

  get names(): string[] {
    return this.fleet.devices.map((device) => device.name)
  }

  /** Writes a document for `push`. Several pushes may read the same one at a time: it is there whole or not at all. */
  document(version: number, sensitivity: number): string {
    const file = join(this.fleet.folder, `aim-${version}.toml`)
    systemFiles().write(file, aimDocument(version, sensitivity))
    return file
  }

  /** Names of the devices whose controller has this sensitivity in force. */
  having(sensitivity: number): string[] {
    return this.names.filter((name) => this.fleet.trace(name).last?.params[SENSITIVITY] === sensitivity)
  }

  /** What the device's own file says. */
  onDisk(name: string): { version: number; sensitivity: number; firstLine: string } | undefined {
    try {
      const text = readFileSync(join(this.fleet.device(name).stateDir, 'config', 'aim.toml'), 'utf8')
      const document = parse(text) as { version: number; values: { sensitivity: number } }
      return {
        version: document.version,
        sensitivity: document.values.sensitivity,
        firstLine: text.slice(0, text.indexOf('\n'))
      }
    } catch {
      return undefined
    }
  }

  /** File and controller agree, nothing is staged or unverified: one configuration, wholly. */
  isWhole(name: string): boolean {
    const last = this.fleet.trace(name).last
    const file = this.onDisk(name)
    if (last === undefined || file === undefined) return false
    const settled = last.staged.length === 0 && last.unverified.length === 0
    return settled && last.params[SENSITIVITY] === file.sensitivity
  }

  close(): Promise<void> {
    return this.spy.close()
  }
}
