import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunningBoards, startBoards } from '../../firmware-bridge/emulator/index.ts'
import { createEmbeddedBroker, type EmbeddedBroker } from '../platform/embedded-broker.ts'
import { type Child, Children } from './children.ts'
import { type Device, layOut, SCOPES } from './layout.ts'
import { Trace } from './traces.ts'

export interface FleetOptions {
  /** Port of the embedded broker on loopback; 0 = any free one. */
  readonly port: number
  readonly ttl: string
  readonly lockDelay: string
}

const TRACE_EVERY_MS = 25
const STOP_WITHIN_MS = 4000

/** The demo's fleet: an embedded broker, Locksmith, and eight devices as processes, each with an emulated controller. */
export class DemoFleet {
  readonly folder: string
  readonly broker: EmbeddedBroker
  readonly devices: readonly Device[]
  readonly traces: ReadonlyMap<string, Trace>
  readonly children: Children
  readonly boards: RunningBoards
  readonly agents = new Map<string, Child>()
  readonly #serveConfig: string
  readonly #reading: NodeJS.Timeout
  #locksmith: Child | undefined

  private constructor(parts: {
    folder: string
    broker: EmbeddedBroker
    devices: readonly Device[]
    boards: RunningBoards
    children: Children
    serveConfig: string
  }) {
    this.folder = parts.folder
    this.broker = parts.broker
    this.devices = parts.devices
    this.boards = parts.boards
    this.children = parts.children
    this.#serveConfig = parts.serveConfig
    this.traces = new Map(parts.devices.map(({ name, trace }) => [name, new Trace(name, trace)]))
    this.#reading = setInterval(() => {
      for (const trace of this.traces.values()) trace.read()
    }, TRACE_EVERY_MS)
  }

  /** Starts everything. Throws PortUnavailable when the broker's port is taken. */
  static async start(options: FleetOptions): Promise<DemoFleet> {
    const broker = await createEmbeddedBroker({ port: options.port })
    const folder = mkdtempSync(join(tmpdir(), 'locksmith-demo-'))
    const url = `mqtt://127.0.0.1:${broker.port}`
    const env = { ...process.env, LOCKSMITH_BROKER: url, LOCKSMITH_FLEET: 'default', NO_COLOR: '1' }
    const children = new Children(folder, env)
    const devices = layOut(folder, url)
    const boards = await startBoards({
      boards: devices.map(({ name, port, trace }) => ({ name, link: port, trace, eeprom: `${trace}.eeprom` }))
    })
    children.adopt(boards.pid)
    const serveConfig = join(folder, 'locksmith.toml')
    const store = `sqlite:${join(folder, 'locksmith.db')}`
    const policy = `[[policy]]\nlock = "*"\nlockDelay = "${options.lockDelay}"\n`
    writeFileSync(
      serveConfig,
      `fleet = "default"\nbroker = "${url}"\nstore = "${store}"\nttl = "${options.ttl}"\n\n${policy}`
    )
    const fleet = new DemoFleet({ folder, broker, devices, boards, children, serveConfig })
    fleet.startLocksmith()
    for (const device of devices) fleet.startAgent(device.name)
    return fleet
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.broker.port}`
  }

  get locksmith(): Child {
    if (this.#locksmith === undefined) throw new Error('Locksmith was not started')
    return this.#locksmith
  }

  startLocksmith(): Child {
    this.#locksmith = this.children.start('locksmith', ['serve', '--config', this.#serveConfig])
    this.#writeIndex()
    return this.#locksmith
  }

  startAgent(name: string, more: readonly string[] = []): Child {
    const child = this.children.start(name, ['agent', '--config', this.device(name).config, ...more])
    this.agents.set(name, child)
    this.#writeIndex()
    return child
  }

  device(name: string): Device {
    const device = this.devices.find((one) => one.name === name)
    if (device === undefined) throw new Error(`no device ${name}`)
    return device
  }

  trace(name: string): Trace {
    return this.traces.get(name) as Trace
  }

  agent(name: string): Child {
    return this.agents.get(name) as Child
  }

  /** Who is who, for anybody who wants to look or to kill. */
  #writeIndex(): void {
    const index = {
      folder: this.folder,
      broker: this.url,
      fleet: 'default',
      scopes: SCOPES,
      demo: { pid: process.pid },
      locksmith: { pid: this.#locksmith?.pid ?? null },
      boards: { pid: this.boards.pid },
      devices: this.devices.map((device) => ({ ...device, pid: this.agents.get(device.name)?.pid ?? null }))
    }
    writeFileSync(join(this.folder, 'demo.json'), `${JSON.stringify(index, null, 2)}\n`)
  }

  async stop(): Promise<void> {
    await this.children.stop(STOP_WITHIN_MS)
    clearInterval(this.#reading)
    for (const trace of this.traces.values()) trace.close()
    await this.boards.stop()
    await this.broker.close()
  }
}
