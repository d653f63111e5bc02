import {
  copyDisk,
  emptyDisk,
  type MemoryDisk,
  openMemoryStore,
  startLocksmith
} from '../../../src/lock-manager/index.ts'
import type { LogFields } from '../../../src/platform/logger.ts'
import { silentLog } from '../../../src/platform/logger.ts'
import { type PolicyEntry, policyFor } from '../../../src/rules/policy.ts'
import type { Life } from '../../../src/simulation/parts.ts'
import { Program } from './program.ts'
import type { Stage } from './stage.ts'
import { FLEET } from './tap.ts'

export const TTL_MS = 15_000
const SWEEP_MS = 5000

interface StoredLock {
  readonly name: string
  readonly state: string
  readonly fence: number
  readonly floor: number
  readonly owner: { readonly name: string } | null
  readonly orphan: { readonly cause: string; readonly at: number; readonly freeAt: number | null } | null
  readonly unheard: object | null
  readonly clearing: { readonly by: string } | null
}

/** Locksmith with its disk and its fence file. What becomes durable is told in the moment in which it does. */
export class Server {
  readonly program: Program
  disk: MemoryDisk = emptyDisk()
  fenceLimit = 0
  policies: PolicyEntry[] = []
  ready = false
  readonly #stage: Stage
  readonly #told = new Map<string, string>()

  constructor(stage: Stage, name = 'locksmith') {
    this.#stage = stage
    this.program = new Program(stage, name, (life) => this.#main(life))
  }

  /** Starts it, and lets time pass until it serves. */
  async serve(): Promise<void> {
    this.program.start()
    await this.#stage.until('Locksmith to serve', () => this.ready)
  }

  /** Serves, and its first third of a lease, in which it grants nothing, has passed. */
  async open(): Promise<void> {
    await this.serve()
    await this.#stage.pass(TTL_MS / 3)
  }

  backUp(): MemoryDisk {
    return copyDisk(this.disk)
  }

  #main(life: Life): void {
    this.ready = false
    const { disk } = this
    const store = openMemoryStore(disk)
    const tell = this.#log
    const locksmith = startLocksmith({
      connect: this.#stage.connectorOf(life),
      clock: life.clock,
      store: {
        ...store,
        commit: (changes, audit, boot) => {
          if (life.dead) return
          store.commit(changes, audit, boot)
          for (const { kind, key, value } of changes) {
            if (kind === 'lock' && value !== undefined) this.#tellLock(key, value as StoredLock)
          }
        }
      },
      fenceFile: {
        read: () => this.fenceLimit,
        write: (limit) => {
          if (!life.dead) this.fenceLimit = limit
        }
      },
      boot: life.machine.boot,
      instance: life.name,
      version: 'staged',
      fleet: FLEET,
      ttlMs: TTL_MS,
      policy: (lock) => policyFor(this.policies, lock),
      log: { ...silentLog, info: tell, warn: tell, error: tell },
      defer: (run) => void life.clock.after(0, run),
      everySweep: (sweep) => {
        const again = (): void => {
          sweep()
          life.clock.after(SWEEP_MS, again)
        }
        life.clock.after(SWEEP_MS, again)
        return { stop: () => undefined }
      }
    })
    void locksmith.ready.then(() => {
      this.ready = true
    })
    void locksmith.takenOver.then((why) => this.program.exit(`exits with 78: ${why}`))
  }

  #tellLock(name: string, lock: StoredLock): void {
    const said = sayLock(lock)
    if (this.#told.get(name) === said) return
    this.#told.set(name, said)
    this.#stage.transcript.add(`lock:${name}`, this.program.name, `| ${name} ${said}`)
  }

  #log = (fields: LogFields, message: string): void => {
    const { event } = fields
    const words = sayLog(fields, message)
    if (words !== undefined)
      this.#stage.transcript.add(`log:${this.program.name}:${event}`, this.program.name, `# ${words}`)
  }
}

function sayLock({ state, fence, floor, owner, orphan, unheard, clearing }: StoredLock): string {
  if (state === 'free') return `is free, floor ${floor}`
  const marks = [
    unheard === null ? '' : ', unheard',
    clearing === null ? '' : `, to be cleared for ${clearing.by}`
  ]
  if (state === 'held') return `is held by ${owner?.name} under fence ${fence}${marks.join('')}`
  const freeIn =
    orphan === null || orphan.freeAt === null
      ? 'free when an operator clears it'
      : `free in ${((orphan.freeAt - orphan.at) / 1000).toFixed(1)} s`
  return `is orphaned (${orphan?.cause}), ${freeIn}; floor ${floor}`
}

/** Events that the transcript tells by other lines already. */
const TOLD_OTHERWISE = ['orphaned', 'reclaimed', 'cleared', 'released']

function sayLog(fields: LogFields, message: string): string | undefined {
  const { event, ...rest } = fields
  if (event === 'orphaned') return undefined
  if (event === 'HOT') return message
  if (TOLD_OTHERWISE.includes(String(event))) return String(event)
  const details = Object.entries(rest)
    .filter(([key]) => !['ttlMs', 'push', 'code'].includes(key))
    .map(([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
  return [event, ...details].join(' ')
}
