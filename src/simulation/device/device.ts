import { createController } from '../../../firmware-bridge/drivers/index.ts'
import { parseAgentConfig, startAgent } from '../../agent/index.ts'
import type { ConnectBroker } from '../../platform/broker.ts'
import { silentLog } from '../../platform/logger.ts'
import type { Cut } from '../faults/dealer.ts'
import { Host } from '../host.ts'
import { isBelow } from '../judges/exclusive.ts'
import type { Life } from '../life.ts'
import type { Machine } from '../machine.ts'
import { FLEET, type World } from '../world.ts'
import { Board } from './board.ts'
import { VirtualDisk } from './disk.ts'
import { JournalReader } from './journal-reader.ts'

export interface DeviceOptions {
  readonly path: string
  readonly controllers: number
  readonly profile: Profile
  /** Set for a copy of it, which is there at times. */
  readonly copyOf?: Device
}

/** The part of its profile that differs from device to device. */
export interface Profile {
  readonly pauseBudget: string
  readonly afterBudget: 'stay' | 'resume'
  readonly onHostSilent: 'stop' | 'continue'
}

/** When an answer of Locksmith was heard that renewed a lease, and as of when it spoke. */
export interface Heard {
  readonly at: number
  readonly term: number
  readonly rev: number
}

const HEARD_KEPT = 40

/** A device: its machine with a disk, its controllers, and the real agent between them and the fleet. */
export class Device {
  readonly path: string
  readonly name: string
  readonly boards: readonly Board[]
  readonly disk: VirtualDisk
  readonly host: Host
  /** What its journal says about a change. */
  readonly journal = new JournalReader()
  /** Told whenever a controller may have changed. */
  readonly onBoard: ((board: Board) => void)[] = []
  /** Told whenever its journal has moved on. */
  readonly onJournal: (() => void)[] = []
  /** Told of each file on its disk that was replaced. */
  readonly onFile: ((path: string, text: string) => void)[] = []
  /** Asked before each write to its disk. */
  cut: (life: Life) => Cut = () => 'none'
  readonly profile: Profile
  /** Another device of its name, with a copy of its disk. */
  twin: Device | undefined
  #heard: Heard[] = []
  readonly #world: World
  readonly #config: ReturnType<typeof parseAgentConfig>

  constructor(world: World, options: DeviceOptions) {
    this.#world = world
    this.path = options.path
    this.name = options.path.slice(options.path.lastIndexOf('/') + 1)
    this.profile = options.profile
    const place = options.copyOf === undefined ? this.name : `${this.name}-copy`
    const machine: Machine = world.machine(place)
    const { timeline, dice } = world
    const resetsAtOpen = dice.chance(0.2)
    this.boards = Array.from({ length: options.controllers }, (_, number) => {
      const changed = (board: Board): void => {
        for (const tell of this.onBoard) tell(board)
      }
      const name = `axis-${number + 1}`
      return new Board({ name, timeline, dice: dice.fork(`${place}-${name}`), resetsAtOpen, changed })
    })
    this.disk = new VirtualDisk({
      cut: (life) => this.cut(life),
      appended: (path, line, kept) => {
        if (path.endsWith('journal.jsonl')) this.#appended(line, kept)
      },
      replaced: (path, text) => {
        for (const tell of this.onFile) tell(path, text)
      }
    })
    this.#config = parseAgentConfig(this.#configText())
    this.host = new Host(world, {
      name: place,
      kind: options.copyOf === undefined ? 'agent' : 'copy',
      stays: options.copyOf === undefined,
      machine,
      main: (life) => {
        if (options.copyOf !== undefined && this.host.lives === 1) this.#copy(options.copyOf)
        return this.#main(life)
      },
      restartMs: (dice) => dice.stretched(100, 3 * world.ttlMs)
    })
  }

  /** Whether a lock covers it. */
  isUnder(lock: string): boolean {
    return isBelow(this.path, lock.split(':')[0] ?? '')
  }

  #copy({ disk }: Device): void {
    this.disk.copyFrom(disk)
    for (const line of (disk.read('/state/journal.jsonl') ?? '').split('\n')) {
      if (line.endsWith('}')) this.journal.take(line, true)
    }
  }

  #appended(line: string, kept: boolean): void {
    const what = this.journal.take(line, kept)
    if (what === undefined) return
    this.#world.history.note(this.host.name, what)
    for (const tell of this.onJournal) tell()
  }

  #configText(): string {
    const controllers = this.boards.map(
      ({ name }) => `[[controller]]\nname = "${name}"\ndriver = "native"\nport = "${name}"\n`
    )
    return `device = "${this.path}"
kind = "arm"
fleet = "${FLEET}"
stateDir = "/state"
runDir = "/run"
[profile]
autoRestart = "simulated"
pauseBudget = "${this.profile.pauseBudget}"
afterBudget = "${this.profile.afterBudget}"
onHostSilent = "${this.profile.onHostSilent}"
${controllers.join('')}`
  }

  /** The state of Locksmith's knowledge in the last answer that this life of its agent had heard by then. */
  heardBefore(at: number): Heard | undefined {
    return this.#heard.findLast((heard) => heard.at <= at)
  }

  #listen(connect: ConnectBroker): ConnectBroker {
    this.#heard = []
    return (options, handlers) =>
      connect(options, {
        ...handlers,
        message: (message) => {
          if (message.topic.includes('/rep/')) this.#hear(Buffer.from(message.payload).toString())
          handlers.message?.(message)
        }
      })
  }

  #hear(text: string): void {
    const [, term, rev] = /^\{"term":(\d+),"rev":(\d+),.*"op":"heartbeat".*"leaseMs":[1-9]/.exec(text) ?? []
    if (term === undefined) return
    this.#heard.push({ at: this.#world.timeline.now, term: Number(term), rev: Number(rev) })
    if (this.#heard.length > HEARD_KEPT) this.#heard.shift()
  }

  #main(life: Life): Promise<void> {
    const { clock } = life
    const random = (): number => life.random()
    const config = this.#config
    const controllers = config.controller.map((one, at) =>
      createController(
        { ...one, onHostSilent: config.profile.onHostSilent },
        { timers: clock, random, line: () => (this.boards[at] as Board).lineOf(life) }
      )
    )
    const agent = startAgent({
      config,
      connect: this.#listen(this.#world.connectorOf(life)),
      controllers,
      clock,
      random,
      files: this.disk.filesOf(life),
      log: { ...silentLog, warn: this.#tell, error: this.#tell },
      boot: life.machine.boot
    })
    return agent.started.then(
      () => new Promise(() => undefined),
      (error: Error) => this.#world.history.note(this.host.name, `does not start: ${error.message}`)
    )
  }

  #tell = (fields: Readonly<Record<string, unknown>>, message: string): void => {
    this.#world.history.note(this.host.name, `says ${fields.event}: ${message}`)
  }
}
