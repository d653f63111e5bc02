import { createController } from '../../../firmware-bridge/drivers/index.ts'
import { parseAgentConfig, startAgent } from '../../agent/index.ts'
import { silentLog } from '../../platform/logger.ts'
import { Host } from '../host.ts'
import type { Life } from '../life.ts'
import type { Machine } from '../machine.ts'
import { FLEET, type World } from '../world.ts'
import { Board } from './board.ts'
import { type Cut, VirtualDisk } from './disk.ts'
import { JournalReader } from './journal-reader.ts'

export interface DeviceOptions {
  readonly path: string
  readonly controllers: number
  readonly cut: (life: Life) => Cut
}

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
  readonly #world: World
  readonly #config: ReturnType<typeof parseAgentConfig>

  constructor(world: World, options: DeviceOptions) {
    this.#world = world
    this.path = options.path
    this.name = options.path.slice(options.path.lastIndexOf('/') + 1)
    const machine: Machine = world.machine(this.name)
    const { timeline, dice } = world
    const resetsAtOpen = dice.chance(0.2)
    this.boards = Array.from({ length: options.controllers }, (_, number) => {
      const changed = (board: Board): void => {
        for (const tell of this.onBoard) tell(board)
      }
      const name = `axis-${number + 1}`
      return new Board({ name, timeline, dice: dice.fork(`${this.name}-${name}`), resetsAtOpen, changed })
    })
    this.disk = new VirtualDisk({
      cut: options.cut,
      appended: (path, line, kept) => {
        if (path.endsWith('journal.jsonl')) this.#appended(line, kept)
      }
    })
    this.#config = parseAgentConfig(this.#configText())
    this.host = new Host(world, {
      name: this.name,
      kind: 'agent',
      stays: true,
      machine,
      main: (life) => this.#main(life),
      restartMs: () => world.dice.stretched(100, 3 * world.ttlMs)
    })
  }

  #appended(line: string, kept: boolean): void {
    const what = this.journal.take(line, kept)
    if (what === undefined) return
    this.#world.history.note(this.name, what)
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
${controllers.join('')}`
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
      connect: this.#world.connectorOf(life),
      controllers,
      clock,
      random,
      files: this.disk.filesOf(life),
      log: { ...silentLog, warn: this.#tell, error: this.#tell },
      boot: life.machine.boot
    })
    return agent.started.then(
      () => new Promise(() => undefined),
      (error: Error) => this.#world.history.note(this.name, `does not start: ${error.message}`)
    )
  }

  #tell = (fields: Readonly<Record<string, unknown>>, message: string): void => {
    this.#world.history.note(this.name, `says ${fields.event}: ${message}`)
  }
}
