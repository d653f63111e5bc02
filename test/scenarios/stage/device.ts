import type { Controller } from '../../../firmware-bridge/drivers/controller.ts'
import { createController } from '../../../firmware-bridge/drivers/index.ts'
import type { RequestName } from '../../../firmware-bridge/link/messages.ts'
import { type Agent, parseAgentConfig, startAgent } from '../../../src/agent/index.ts'
import { DiskError, type Files } from '../../../src/platform/durable-file.ts'
import { silentLog } from '../../../src/platform/logger.ts'
import { Board, type Life, VirtualDisk } from '../../../src/simulation/parts.ts'
import { tellBoard } from './board-words.ts'
import { Program } from './program.ts'
import { Cable } from './serial.ts'
import type { Stage } from './stage.ts'
import { FLEET } from './tap.ts'
import { sayHold } from './words.ts'

export interface DeviceOptions {
  /** Lines of `[profile]`; a device may restart by itself unless the story says otherwise. */
  readonly profile?: string
  /** Puts something between agent and controller. */
  readonly wrap?: (controller: Controller) => Controller
}

interface JournalLine {
  readonly entry: string
  readonly step?: string
  readonly fence?: number
  readonly ending?: string
  readonly resource?: string
}

/** A device: the real agent and driver, and one controller that runs the firmware's own core. */
export class Device {
  readonly path: string
  readonly name: string
  readonly program: Program
  readonly board: Board
  readonly cable: Cable
  readonly disk: VirtualDisk
  agent: Agent | undefined
  /** Set while its disk takes nothing. */
  diskFull = false
  /** Told of each step that has just been written to the journal, and of each frame that is about to leave. */
  onStep: (step: string) => void = () => undefined
  onFrame: (name: RequestName) => void = () => undefined
  readonly #stage: Stage
  readonly #config: ReturnType<typeof parseAgentConfig>
  readonly #wrap: (controller: Controller) => Controller
  #toldHolds = ''

  constructor(stage: Stage, path: string, options: DeviceOptions = {}) {
    const { profile = 'autoRestart = "fenced cell"', wrap = (controller) => controller } = options
    this.#stage = stage
    this.#wrap = wrap
    this.path = path
    this.name = path.slice(path.lastIndexOf('/') + 1)
    this.#config = parseAgentConfig(configText(path, profile))
    this.program = new Program(stage, this.name, (life) => this.#main(life))
    this.cable = new Cable((name, again) => this.#frame(name, again))
    const { timeline, even: dice } = stage
    let before: Board['trace'] | undefined
    this.board = new Board({
      ...{ name: 'axis', timeline, dice, resetsAtOpen: false },
      changed: ({ trace }) => {
        if (before !== undefined) for (const [key, what] of tellBoard(before, trace)) this.#axis(key, what)
        before = trace
      }
    })
    this.disk = new VirtualDisk({
      cut: () => 'none',
      appended: (file, line) => {
        if (file.endsWith('journal.jsonl')) this.#journal(line)
      }
    })
    stage.watchers.push(() => this.#lookAtHolds())
  }

  get moves(): boolean {
    return this.board.trace.motion === 'moving'
  }

  get stands(): boolean {
    return !this.board.trace.moving
  }

  /** The version in force in the controller, and whether it is verified. */
  get aim(): string {
    const { versions, unverified } = this.board.trace
    return `${versions.aim}${unverified.includes('aim') ? ' unverified' : ''}`
  }

  file(resource: string): string | undefined {
    return this.disk.read(`/state/config/${resource}.toml`)
  }

  #main(life: Life): void {
    const { clock } = life
    const { random } = this.#stage
    const { controller, profile } = this.#config
    const controllers = controller.map((one) =>
      this.#wrap(
        createController(
          { ...one, onHostSilent: profile.onHostSilent },
          {
            timers: clock,
            random,
            line: () => this.cable.through(this.board.lineOf(life), (run) => void clock.after(1, run))
          }
        )
      )
    )
    const agent = startAgent({
      config: this.#config,
      connect: this.#stage.connectorOf(life),
      controllers,
      clock,
      random,
      files: this.#files(life),
      log: { ...silentLog, info: this.#log, warn: this.#log, error: this.#log },
      boot: life.machine.boot
    })
    this.agent = agent
    agent.started.catch((error: Error) =>
      this.#say(`log:${this.name}:failed`, `# does not start: ${error.message}`)
    )
  }

  #files(life: Life): Files {
    const { read, list, write, append, remove } = this.disk.filesOf(life)
    const unlessFull = (path: string, act: () => void): void => {
      if (!this.diskFull) return act()
      this.#say(`disk:${this.name}`, `! the disk takes nothing: ${path}`)
      throw new DiskError('write', path, 'ENOSPC')
    }
    return {
      read,
      list,
      write: (path, text) => unlessFull(path, () => write(path, text)),
      append: (path, line) => unlessFull(path, () => append(path, line)),
      remove: (path) => unlessFull(path, () => remove(path))
    }
  }

  #say(key: string, what: string): void {
    this.#stage.transcript.add(key, this.name, what)
  }

  #axis(key: string, what: string): void {
    this.#stage.transcript.add(`${key}:${this.name}`, `${this.name}.axis`, what)
  }

  #frame(name: RequestName, again: boolean): void {
    this.#lookAtHolds()
    this.#say(`frame:${this.name}:${name}`, `~ ${name.toUpperCase()}${again ? ' again' : ''}`)
    this.onFrame(name)
  }

  #journal(text: string): void {
    const line = JSON.parse(text) as JournalLine
    const { entry, step = '', fence, ending, resource } = line
    const words: Readonly<Record<string, string>> = {
      step: `${step}${fence === undefined ? '' : ` under fence ${fence}`}`,
      end: `the change has ended: ${ending}`,
      resolved: `the doubt about ${resource} is resolved`
    }
    const said = words[entry]
    this.#lookAtHolds()
    if (said !== undefined) this.#say(`journal:${this.name}`, `+ ${said}`)
    if (entry === 'step') this.onStep(step)
  }

  #log = (fields: Readonly<Record<string, unknown>>, message: string): void => {
    this.#say(`log:${this.name}:${fields.event}`, `# ${fields.event}: ${message}`)
  }

  #lookAtHolds(): void {
    if (!this.program.runs || this.program.life.stopped) return
    const holds = this.agent?.guard.holds ?? []
    const said = holds.map(sayHold).sort().join(', ') || 'none'
    if (said === this.#toldHolds) return
    this.#toldHolds = said
    this.#say(`holds:${this.name}`, `= holds: ${said}`)
  }
}

const configText = (path: string, profile: string): string => `device = "${path}"
kind = "arm"
fleet = "${FLEET}"
stateDir = "/state"
runDir = "/run"
[profile]
${profile}
[[controller]]
name = "axis"
driver = "native"
port = "axis"
`
