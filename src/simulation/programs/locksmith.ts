import {
  copyDisk,
  emptyDisk,
  type FenceFile,
  type MemoryDisk,
  openMemoryStore,
  type Store,
  startLocksmith
} from '../../lock-manager/index.ts'
import type { ConnectBroker } from '../../platform/broker.ts'
import { silentLog } from '../../platform/logger.ts'
import { Host } from '../host.ts'
import type { Life } from '../life.ts'
import type { Machine } from '../machine.ts'
import { sessionIn } from '../register.ts'
import { FLEET, type World } from '../world.ts'

export type CommitChanges = Parameters<Store['commit']>[0]

/** Locksmith as a process that is killed and started, with a disk that outlives it. */
export class LocksmithHost {
  readonly host: Host
  readonly disk: MemoryDisk = emptyDisk()
  /** Told of what became durable, in the moment in which it did. */
  readonly onCommit: ((changes: CommitChanges) => void)[] = []
  /** Told when its machine reboots: its clock and its marks begin anew. */
  readonly onReboot: (() => void)[] = []
  /** Told when its store has become an older one. */
  readonly onRestore: (() => void)[] = []
  /** When a session was last heard, in the time of the world. */
  readonly lastHeard = new Map<number, number>()
  /** Starts that have read everything, in the time of the world. */
  readonly starts: number[] = []
  readonly #world: World
  #fenceLimit = 0
  #backup: MemoryDisk | undefined
  #ready = false

  constructor(world: World, machine: Machine) {
    this.#world = world
    this.host = new Host(world, {
      name: 'locksmith',
      kind: 'locksmith',
      stays: true,
      machine,
      main: (life) => this.#main(life),
      restartMs: () => world.dice.stretched(50, 3 * world.ttlMs)
    })
  }

  /** It has begun to serve, runs, and can store. */
  get serving(): boolean {
    return this.#ready && this.host.life?.running === true && this.disk.refuses === undefined
  }

  /** Keeps a copy of the store for later; the fence file is no part of it. */
  backUp(): void {
    this.#backup = copyDisk(this.disk)
  }

  /** The store is put back to the last copy, if there is one. The process is to be killed before. */
  restore(): boolean {
    const backup = this.#backup
    if (backup === undefined) return false
    this.disk.rows.clear()
    for (const [key, row] of backup.rows) this.disk.rows.set(key, row)
    this.disk.audit = [...backup.audit]
    this.disk.boot = backup.boot
    for (const tell of this.onRestore) tell()
    return true
  }

  /** Its marks count anew. */
  rebooted(): void {
    this.starts.length = 0
    for (const tell of this.onReboot) tell()
  }

  #main(life: Life): Promise<void> {
    const { ttlMs, policy, broker, timeline } = this.#world
    this.#ready = false
    const locksmith = startLocksmith({
      connect: this.#listen(broker.connector(life)),
      clock: life.clock,
      store: this.#store(life),
      fenceFile: this.#fenceFile(life),
      boot: life.machine.boot,
      instance: life.name,
      version: 'simulated',
      fleet: FLEET,
      ttlMs,
      policy: () => policy,
      log: { ...silentLog, info: this.#tell, warn: this.#tell, error: this.#tell },
      defer: (run) => void life.clock.after(0, run),
      everySweep: (sweep) => {
        const again = (): void => {
          sweep()
          life.clock.after(5000, again)
        }
        life.clock.after(5000, again)
        return { stop: () => undefined }
      }
    })
    void locksmith.ready.then(() => {
      this.#ready = true
      this.starts.push(timeline.now)
    })
    return new Promise(() => undefined)
  }

  #tell = (fields: Readonly<Record<string, unknown>>): void => {
    const { event, ...rest } = fields
    const { history } = this.#world
    if (event === 'HOT')
      history.note('locksmith', `HOT ${rest.lock}: ${rest.wantedBy} wants it, ${rest.owner} has it`)
    else if (event !== 'hello') history.note('locksmith', `${event} ${brief(rest)}`)
  }

  #listen(connect: ConnectBroker): ConnectBroker {
    return (options, handlers) =>
      connect(options, {
        ...handlers,
        message: (message) => {
          if (message.topic.includes('/req/')) this.#heard(message.payload)
          handlers.message?.(message)
        }
      })
  }

  #heard(payload: Uint8Array): void {
    const session = sessionIn(Buffer.from(payload).toString())
    if (session !== undefined) this.lastHeard.set(session, this.#world.timeline.now)
  }

  /** The same disk for every life; a commit can be the last thing that a process does. */
  #store(life: Life): Store {
    const store = openMemoryStore(this.disk)
    return {
      ...store,
      commit: (changes, audit, boot) => {
        if (life.dead) return
        store.commit(changes, audit, boot)
        for (const tell of this.onCommit) tell(changes)
      }
    }
  }

  #fenceFile(life: Life): FenceFile {
    return {
      read: () => this.#fenceLimit,
      write: (limit) => {
        if (!life.dead) this.#fenceLimit = limit
      }
    }
  }
}

const brief = (fields: Readonly<Record<string, unknown>>): string =>
  Object.entries(fields)
    .map(([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(' ')
