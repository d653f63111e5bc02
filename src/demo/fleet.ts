import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'smol-toml'
import { type RunningBoards, startBoards } from '../../firmware-bridge/emulator/index.ts'
import { DiskError, reportingDiskErrors } from '../platform/disk-error.ts'
import { systemFiles } from '../platform/durable-file.ts'
import { createEmbeddedBroker, type EmbeddedBroker } from '../platform/embedded-broker.ts'
import { type Child, Children } from './children.ts'
import { type Device, layOut, SCOPES } from './layout.ts'
import { Leash } from './leash.ts'
import { Trace } from './traces.ts'

export interface FleetOptions {
  /** Port of the embedded broker on loopback; 0 = any free one. */
  readonly port: number
  readonly ttl: string
  readonly lockDelay: string
  /** How often the boards' traces are read. */
  readonly traceEveryMs: number
}

/** Who is who, for anybody who wants to look or to kill: what demo.json says. A pid is null when that process is not running. */
export interface FleetIndex {
  readonly folder: string
  readonly broker: string
  readonly port: number
  readonly fleet: string
  readonly scopes: readonly string[]
  readonly demo: { readonly pid: number }
  readonly locksmith: { readonly pid: number | null; readonly config: string }
  readonly boards: { readonly pid: number }
  readonly reaper: { readonly pid: number | null }
  readonly devices: readonly (Device & { readonly pid: number | null })[]
}

const STOP_WITHIN_MS = 4000
/** Some 70 minutes of a patrol; each board keeps one such file besides the one that grows. */
const TRACE_MAX_BYTES = 32 * 1024 * 1024

interface Parts {
  readonly folder: string
  readonly broker: EmbeddedBroker
  readonly leash: Leash
  readonly children: Children
  readonly devices: readonly Device[]
  readonly boards: RunningBoards
  readonly serveConfig: string
  readonly traceEveryMs: number
}

/** The demo's fleet: an embedded broker, Locksmith, and eight devices as processes, each with an emulated controller. */
export class DemoFleet {
  readonly folder: string
  readonly broker: EmbeddedBroker
  readonly devices: readonly Device[]
  readonly traces: ReadonlyMap<string, Trace>
  readonly children: Children
  readonly boards: RunningBoards
  readonly agents = new Map<string, Child>()
  /** Locksmith's configuration file. */
  readonly serveConfig: string
  readonly #leash: Leash
  readonly #reading: NodeJS.Timeout
  #locksmith: Child | undefined

  private constructor(parts: Parts) {
    this.folder = parts.folder
    this.broker = parts.broker
    this.devices = parts.devices
    this.boards = parts.boards
    this.children = parts.children
    this.serveConfig = parts.serveConfig
    this.#leash = parts.leash
    this.traces = new Map(parts.devices.map(({ name, trace }) => [name, new Trace(name, trace)]))
    this.#reading = setInterval(() => {
      for (const trace of this.traces.values()) trace.read()
    }, parts.traceEveryMs)
    this.children.onEnd((child) => {
      if (child === this.#locksmith || this.agents.get(child.name) === child) this.#writeIndex()
    })
  }

  /**
   * Starts everything, or nothing.
   *
   * @throws PortUnavailable, DiskError (no folder for temporary files), EmulatorError
   */
  static async start(options: FleetOptions): Promise<DemoFleet> {
    const broker = await createEmbeddedBroker({ port: options.port })
    try {
      const folder = makeFolder()
      const leash = new Leash()
      try {
        return await DemoFleet.#begin({ broker, folder, leash }, options)
      } catch (error) {
        await leash.release()
        removeFolder(folder)
        throw error
      }
    } catch (error) {
      await broker.close()
      throw error
    }
  }

  static async #begin(
    base: Pick<Parts, 'broker' | 'folder' | 'leash'>,
    { ttl, lockDelay, traceEveryMs }: FleetOptions
  ): Promise<DemoFleet> {
    const { broker, folder, leash } = base
    const { url } = broker
    const env = { ...process.env, LOCKSMITH_BROKER: url, LOCKSMITH_FLEET: 'default', NO_COLOR: '1' }
    const children = new Children(folder, leash, env)
    const devices = reportingDiskErrors('lay out the devices below', folder, () => layOut(folder, url))
    const serveConfig = join(folder, 'locksmith.toml')
    const store = `sqlite:${join(folder, 'locksmith.db')}`
    const policy = [{ lock: '*', lockDelay }]
    systemFiles().write(serveConfig, stringify({ fleet: 'default', broker: url, store, ttl, policy }))
    const boards = await startBoards({
      boards: devices.map(({ name, port, trace }) => ({
        name,
        link: port,
        trace,
        traceMaxBytes: TRACE_MAX_BYTES,
        eeprom: `${trace}.eeprom`
      }))
    })
    leash.add(boards.pid)
    void boards.ended.then(() => leash.remove(boards.pid))
    const fleet = new DemoFleet({ ...base, children, devices, boards, serveConfig, traceEveryMs })
    fleet.startLocksmith()
    for (const device of devices) fleet.startAgent(device.name)
    return fleet
  }

  get url(): string {
    return this.broker.url
  }

  get locksmith(): Child {
    if (this.#locksmith === undefined) throw new Error('Locksmith was not started')
    return this.#locksmith
  }

  startLocksmith(): Child {
    this.#locksmith = this.children.start('locksmith', ['serve', '--config', this.serveConfig])
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

  get index(): FleetIndex {
    const pidOf = (child: Child | undefined): number | null => (child?.running ? child.pid : null)
    return {
      folder: this.folder,
      broker: this.url,
      port: this.broker.port,
      fleet: 'default',
      scopes: SCOPES,
      demo: { pid: process.pid },
      locksmith: { pid: pidOf(this.#locksmith), config: this.serveConfig },
      boards: { pid: this.boards.pid },
      reaper: { pid: this.#leash.pid ?? null },
      devices: this.devices.map((device) => ({ ...device, pid: pidOf(this.agents.get(device.name)) }))
    }
  }

  /** Whoever reads the file sees the one before or the one after, never half of one. */
  #writeIndex(): void {
    try {
      systemFiles().write(join(this.folder, 'demo.json'), `${JSON.stringify(this.index, null, 2)}\n`)
    } catch (error) {
      // The folder was removed, or the disk is full; the fleet runs on without its directory.
      if (!(error instanceof DiskError)) throw error
    }
  }

  /** Ends everything; resolves when no process is left. */
  async stop(): Promise<void> {
    await this.children.stop(STOP_WITHIN_MS)
    clearInterval(this.#reading)
    for (const trace of this.traces.values()) trace.close()
    await this.boards.stop()
    await this.#leash.release()
    await this.broker.close()
  }
}

/** Removes what a demo leaves; false when something of it is still there. */
export function removeFolder(folder: string): boolean {
  try {
    rmSync(folder, { recursive: true })
    return true
  } catch {
    return false
  }
}

/** A folder of this run's own, below TMPDIR. Throws DiskError, with the folder that is missing or closed to us. */
function makeFolder(): string {
  const path = join(tmpdir(), 'locksmith-demo-')
  return reportingDiskErrors('make a folder', `${path}… (TMPDIR)`, () => mkdtempSync(path))
}
