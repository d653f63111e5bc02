import {
  type FleetConnection,
  type FleetSession,
  openFleetConnection,
  openSession,
  type SessionOptions
} from '../../src/client/index.ts'
import {
  emptyDisk,
  type FenceFile,
  type Locksmith,
  type LocksmithOptions,
  type MemoryDisk,
  openMemoryStore,
  startLocksmith
} from '../../src/lock-manager/index.ts'
import type { Clock } from '../../src/platform/clock.ts'
import type { LogFields } from '../../src/platform/logger.ts'
import { type PolicyEntry, policyFor } from '../../src/rules/policy.ts'
import { HandClock } from './hand-clock.ts'
import { HouseBroker } from './house-broker.ts'
import { randomFrom } from './seed.ts'

export const TTL_MS = 15_000

export interface LogLine extends LogFields {
  readonly level: string
  readonly message: string
}

/** A file of fences in memory, which can be restored or refuse. */
export class MemoryFenceFile implements FenceFile {
  limit = 0
  refuses = false

  read(): number {
    return this.limit
  }

  write(limit: number): void {
    if (this.refuses) throw new Error('ENOSPC: no space left on device')
    this.limit = limit
  }
}

/** A fleet on a clock that a test moves: broker, Locksmith on a disk in memory, sessions of the real client. */
export class House {
  readonly clock = new HandClock()
  readonly broker = new HouseBroker(this.clock)
  readonly log: LogLine[] = []
  readonly fenceFile = new MemoryFenceFile()
  disk: MemoryDisk = emptyDisk()
  policies: PolicyEntry[] = []
  locksmith: Locksmith | undefined
  sweep: () => void = () => {}
  readonly #random = randomFrom(7)
  #lives = 0

  /** Starts Locksmith; more options replace those of the house. */
  start(more: Partial<LocksmithOptions> = {}): Locksmith {
    this.#lives += 1
    this.locksmith = startLocksmith({
      connect: this.broker.connect,
      clock: this.clock,
      store: openMemoryStore(this.disk),
      fenceFile: this.fenceFile,
      boot: 'boot-1',
      instance: `house-${this.#lives}`,
      version: '0.0.0',
      fleet: 'default',
      ttlMs: TTL_MS,
      policy: (lock) => policyFor(this.policies, lock),
      log: this.logger,
      defer: (run) => void this.clock.after(0, run),
      everySweep: (sweep) => {
        this.sweep = sweep
        return { stop: () => undefined }
      },
      ...more
    })
    return this.locksmith
  }

  get logger() {
    const line =
      (level: string) =>
      (fields: LogFields, message: string): void =>
        void this.log.push({ ...fields, level, message })
    return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
  }

  /** Until Locksmith serves and grants. */
  async open(more: Partial<LocksmithOptions> = {}): Promise<this> {
    this.start(more)
    await this.clock.advance(TTL_MS / 3 + 1)
    return this
  }

  /** As kill -9: nothing is released or said; the broker publishes the will. */
  kill(): void {
    this.broker.kill('locksmith-default')
    this.locksmith = undefined
    // What the dead process had set to do is done by nobody: its store and its connection are gone.
    this.disk = { ...this.disk, rows: new Map(this.disk.rows), audit: [...this.disk.audit] }
  }

  connect(principal: string, clock: Clock = this.clock): FleetConnection {
    return openFleetConnection({
      connect: this.broker.connect,
      clock,
      fleet: 'default',
      principal,
      clientId: principal
    })
  }

  session(principal: string, more: Partial<SessionOptions> = {}): FleetSession {
    const clock = more.clock ?? this.clock
    return openSession({
      kind: 'tool',
      device: null,
      boot: 'boot-1',
      connection: more.connection ?? this.connect(principal, clock),
      clock,
      random: this.#random,
      ...more
    })
  }

  events(event: string): LogLine[] {
    return this.log.filter((line) => line.event === event)
  }

  /** Requests on the wire, as one who speaks the protocol by hand sends them. */
  say(principal: string, request: unknown): void {
    const payload = typeof request === 'string' ? request : JSON.stringify(request)
    this.broker.publish(principal, {
      topic: `locksmith/1/default/req/${principal}`,
      payload,
      qos: 0,
      retain: false
    })
  }

  heard(principal: string): Record<string, unknown>[] {
    return this.broker.sentOn(`locksmith/1/default/rep/${principal}`)
  }

  record(lock: string): Record<string, unknown> | undefined {
    const [scope = '', resource = ''] = lock.split(':')
    const text = this.broker.retained.get(
      `locksmith/1/default/lock/${scope.replaceAll('/', '~')}/${resource}`
    )
    return text === undefined ? undefined : (JSON.parse(text) as Record<string, unknown>)
  }
}
