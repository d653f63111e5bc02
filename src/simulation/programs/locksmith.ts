import {
  copyDisk,
  emptyDisk,
  type MemoryDisk,
  openMemoryStore,
  type Store,
  startLocksmith
} from '../../lock-manager/index.ts'
import type { ConnectBroker } from '../../platform/broker.ts'
import { silentLog } from '../../platform/logger.ts'
import type { Dice } from '../dice.ts'
import type { Cut } from '../faults/dealer.ts'
import { Host } from '../host.ts'
import type { Life } from '../life.ts'
import type { Machine } from '../machine.ts'
import { sessionIn } from '../register.ts'
import { FLEET, type World } from '../world.ts'

export type CommitChanges = Parameters<Store['commit']>[0]

/** What a Locksmith stands on: its store, and the file beside it that bounds the fences. */
interface Ground {
  readonly disk: MemoryDisk
  fenceLimit: number
}

/** Locksmith as a process that is killed and started, with a disk that outlives it; at times a second one beside it. */
export class LocksmithHost {
  readonly host: Host
  /** Told of what became durable, in the moment in which it did. */
  readonly onCommit: ((changes: CommitChanges) => void)[] = []
  /** The same of the second one. */
  readonly onTwinCommit: ((changes: CommitChanges) => void)[] = []
  /** Told when its machine reboots: its clock and its marks begin anew. */
  readonly onReboot: (() => void)[] = []
  /** Told when its store is no longer the newest, or is so again. */
  readonly onRestore: (() => void)[] = []
  /** Told of what arrives at it, and of what it answers, word for word. */
  readonly onRequest: ((payload: string) => void)[] = []
  readonly onReply: ((payload: string) => void)[] = []
  /** When a session was last heard, in the time of the world. */
  readonly lastHeard = new Map<number, number>()
  /** Starts that have read everything, in the time of the world. */
  readonly starts: number[] = []
  /** Locks for which somebody waits, as its records say. */
  readonly wanted = new Set<string>()
  /** How long a commit takes; the process waits for it. */
  commitMs = 0
  /** Whether a commit is the last thing that the process does. */
  cut: (life: Life) => Cut = () => 'none'
  readonly #world: World
  readonly #ground: Ground = { disk: emptyDisk(), fenceLimit: 0 }
  #backup: MemoryDisk | undefined
  #ready = false
  #twin: Host | undefined

  constructor(world: World, machine: Machine) {
    this.#world = world
    this.host = new Host(world, {
      name: 'locksmith',
      kind: 'locksmith',
      stays: true,
      machine,
      main: (life) => {
        this.#ready = false
        const ready = (): void => {
          this.#ready = true
          this.starts.push(world.timeline.now)
        }
        return this.#serve(life, { ground: this.#ground, told: this.onCommit, ready })
      },
      restartMs: (dice) => dice.stretched(50, 3 * world.ttlMs)
    })
  }

  get disk(): MemoryDisk {
    return this.#ground.disk
  }

  /** It alone has begun to serve, runs, and can store. */
  get serving(): boolean {
    const alone = this.#twin === undefined && this.disk.refuses === undefined && this.commitMs === 0
    return alone && this.#ready && this.host.life?.running === true
  }

  get hasTwin(): boolean {
    return this.#twin !== undefined
  }

  /** Keeps a copy of the store for later; the fence file is no part of it. */
  backUp(): void {
    this.#backup = copyDisk(this.disk)
  }

  /** The process is killed, and the store put back to the last copy, if there is one. */
  restore(): boolean {
    const backup = this.#backup
    if (backup === undefined) return false
    this.host.life?.kill()
    this.#replace(backup)
    return true
  }

  /** The process is killed, and the store is gone. */
  lose(): void {
    this.host.life?.kill()
    this.#replace(emptyDisk())
  }

  #replace(by: MemoryDisk): void {
    this.disk.rows.clear()
    for (const [key, row] of by.rows) this.disk.rows.set(key, row)
    this.disk.audit = [...by.audit]
    this.disk.boot = by.boot
    for (const tell of this.onRestore) tell()
  }

  /** The process is killed, and the file beside the store is gone. */
  loseFenceFile(): void {
    this.host.life?.kill()
    this.#ground.fenceLimit = 0
  }

  /** Its marks count anew. */
  rebooted(): void {
    this.starts.length = 0
    for (const tell of this.onReboot) tell()
  }

  /** A second Locksmith serves the fleet for a while, from what it has found. Undefined when there is one already. */
  beginTwin(dice: Dice): string | undefined {
    if (this.#twin !== undefined) return undefined
    const { timeline, ttlMs } = this.#world
    const from = dice.pick(['a copy of the store', 'an old copy of the store', 'an empty store'] as const)
    const old = from === 'an old copy of the store' ? this.#backup : undefined
    const disk = from === 'an empty store' ? emptyDisk() : copyDisk(old ?? this.disk)
    const ground = {
      disk: { ...disk, refuses: undefined },
      fenceLimit: dice.chance(0.5) ? this.#ground.fenceLimit : 0
    }
    const twin = new Host(this.#world, {
      name: 'twin',
      kind: 'locksmith',
      machine: this.#world.machine('other-server'),
      main: (life) => this.#serve(life, { ground, told: this.onTwinCommit, ready: () => undefined }),
      restartMs: () => dice.stretched(50, ttlMs)
    })
    this.#twin = twin
    twin.startIn(0)
    const ms = dice.stretched(500, 10 * ttlMs)
    timeline.after(ms, () => this.endTwin())
    return `a second Locksmith serves the fleet from ${from} for ${Math.round(ms)} ms`
  }

  /** An operator sees to it that there is one Locksmith again: the first. */
  endTwin(): void {
    const twin = this.#twin
    if (twin === undefined) return
    this.#world.history.note('twin', 'is ended by an operator')
    twin.end()
    this.#world.hosts.splice(this.#world.hosts.indexOf(twin), 1)
    this.#twin = undefined
    for (const tell of this.onRestore) tell()
    if (this.host.life === undefined) this.host.startIn(100)
  }

  becalm(): void {
    this.endTwin()
    this.disk.refuses = undefined
    this.commitMs = 0
  }

  #serve(
    life: Life,
    { ground, told, ready }: { ground: Ground; told: LocksmithHost['onCommit']; ready: () => void }
  ): Promise<void> {
    const { ttlMs, policy, broker } = this.#world
    const locksmith = startLocksmith({
      connect: this.#listen(broker.connector(life)),
      clock: life.clock,
      store: this.#store(life, ground.disk, told),
      fenceFile: {
        read: () => ground.fenceLimit,
        write: (limit) => {
          if (!life.dead) ground.fenceLimit = limit
        }
      },
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
    void locksmith.ready.then(ready)
    return locksmith.takenOver.then(() => this.#takenOver(life))
  }

  /** With 78, after which nobody starts it again by himself, unless there is no other. */
  #takenOver(life: Life): void {
    if (life.dead) return
    this.#world.history.note(life.host, 'ends: another Locksmith has taken the fleet over')
    if (life.host === 'twin') this.#twin?.end()
    else if (this.#twin !== undefined) this.host.end()
  }

  #tell = (fields: Readonly<Record<string, unknown>>): void => {
    const { event, ...rest } = fields
    const { history } = this.#world
    if (event === 'HOT')
      history.note('locksmith', `HOT ${rest.lock}: ${rest.wantedBy} wants it, ${rest.owner} has it`)
    else if (event !== 'hello') history.note('locksmith', `${event} ${brief(rest)}`)
  }

  #listen(connect: ConnectBroker): ConnectBroker {
    return (options, handlers) => {
      const connection = connect(options, {
        ...handlers,
        message: (message) => {
          if (message.topic.includes('/req/')) this.#heard(message.payload)
          handlers.message?.(message)
        }
      })
      return {
        get connected() {
          return connection.connected
        },
        publish: (topic, payload, publishOptions) => {
          if (topic.includes('/lock/')) this.#noteWanted(payload)
          else if (topic.includes('/rep/')) for (const tell of this.onReply) tell(payload)
          return connection.publish(topic, payload, publishOptions)
        },
        subscribe: (filters) => connection.subscribe(filters),
        close: () => connection.close()
      }
    }
  }

  #heard(payload: Uint8Array): void {
    const text = Buffer.from(payload).toString()
    for (const tell of this.onRequest) tell(text)
    const session = sessionIn(text)
    if (session !== undefined) this.lastHeard.set(session, this.#world.timeline.now)
  }

  #noteWanted(payload: string): void {
    if (payload === '') return
    const { lock, waiters } = JSON.parse(payload) as {
      readonly lock: string
      readonly waiters: readonly unknown[]
    }
    if (waiters.length > 0) this.wanted.add(lock)
    else this.wanted.delete(lock)
  }

  /** The same disk for every life; a commit can be the last thing that a process does. */
  #store(life: Life, disk: MemoryDisk, told: LocksmithHost['onCommit']): Store {
    const store = openMemoryStore(disk)
    return {
      ...store,
      commit: (changes, audit, boot) => {
        if (life.dead) return
        const cut = disk.refuses === undefined ? this.cut(life) : 'none'
        if (cut === 'before') return life.kill()
        store.commit(changes, audit, boot)
        for (const tell of told) tell(changes)
        if (cut === 'after') life.kill()
        else if (this.commitMs > 0) life.stall(this.commitMs)
      }
    }
  }
}

const brief = (fields: Readonly<Record<string, unknown>>): string =>
  Object.entries(fields)
    .map(([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(' ')
