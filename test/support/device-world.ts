import type { Controller } from '../../firmware-bridge/drivers/controller.ts'
import { createNativeController } from '../../firmware-bridge/drivers/native/controller.ts'
import {
  type Agent,
  type AgentOptions,
  digestOf,
  parseAgentConfig,
  startAgent
} from '../../src/agent/index.ts'
import { type FleetSession, makeId, openFleetConnection, openSession } from '../../src/client/index.ts'
import { emptyDisk, type Locksmith, openMemoryStore, startLocksmith } from '../../src/lock-manager/index.ts'
import type { ConnectBroker, Message } from '../../src/platform/broker.ts'
import type { Clock } from '../../src/platform/clock.ts'
import type { Files } from '../../src/platform/durable-file.ts'
import type { Log, LogFields } from '../../src/platform/logger.ts'
import { silentLog } from '../../src/platform/logger.ts'
import type { AgentState, Update } from '../../src/protocol/messages.ts'
import { type Topics, topicsOf } from '../../src/protocol/topics.ts'
import { DEFAULT_POLICY } from '../../src/rules/policy.ts'
import { DeviceBroker } from './device-broker.ts'
import { FirmwareBoard } from './firmware-board.ts'
import { HandTimers } from './hand-timers.ts'
import { MemoryFiles } from './memory-files.ts'

export const DEVICE = 'plant-2/line-4/arm-7'
export const TTL_MS = 3000

/** A process of the test: it can be killed, so that nothing that it still does has any effect, or lose time. */
class Life {
  alive = true
  /** What its clock is ahead: it was stopped for so long. */
  aheadMs = 0
  readonly agent: Agent
  readonly logged: (LogFields & { readonly message: string })[] = []

  constructor(
    world: DeviceWorld,
    { wrap = (controller) => controller, bunched = false, ...options }: LifeOptions
  ) {
    this.agent = startAgent({
      config: parseAgentConfig(world.toml),
      connect: this.#connect(world, bunched),
      controllers: world.boards.map((board, at) => wrap(this.#controller(world, board, `axis-${at + 1}`))),
      clock: this.#clock(world.timers),
      random: world.random,
      files: this.#files(world.files),
      log: this.#log(),
      boot: 'boot-1',
      standstillMs: 3000,
      reachableMs: 1500,
      ...options
    })
    this.agent.started.catch(() => undefined)
  }

  #clock(timers: HandTimers): Clock {
    return {
      now: () => timers.now() + this.aheadMs,
      wall: () => new Date(Date.UTC(2026, 10, 24, 3, 12) + timers.now()),
      after: (ms, run) => timers.after(ms, () => this.alive && run())
    }
  }

  #connect(world: DeviceWorld, bunched: boolean): ConnectBroker {
    return (options, handlers) => {
      const held: Message[] = []
      const hear = (message: Message): void => {
        if (bunched && message.topic.includes('/update/')) return void held.push(message)
        handlers.message?.(message)
        if (!message.topic.includes('/rep/') || !String(Buffer.from(message.payload)).includes('"heartbeat"'))
          return
        for (const one of held.splice(0)) handlers.message?.(one)
      }
      const connection = world.broker.connect(options, {
        ...handlers,
        message: (message) => this.alive && hear(message)
      })
      return {
        get connected() {
          return connection.connected
        },
        subscribe: connection.subscribe,
        close: connection.close,
        publish: (...said) => this.alive && connection.publish(...said)
      }
    }
  }

  #controller(world: DeviceWorld, board: FirmwareBoard, name: string): Controller {
    const timers = this.#clock(world.timers)
    const { random } = world
    const line = () => {
      const inner = board.line()
      return { ...inner, write: (bytes: Uint8Array) => void (this.alive && inner.write(bytes)) }
    }
    return createNativeController({
      name,
      line,
      timers,
      baudRate: 115_200,
      silenceMs: 60_000,
      onSilence: 'stop',
      random
    })
  }

  #files(files: MemoryFiles): Files {
    return {
      read: (path) => files.read(path),
      list: (folder) => files.list(folder),
      write: (path, content) => void (this.alive && files.write(path, content)),
      append: (path, line) => void (this.alive && files.append(path, line)),
      remove: (path) => void (this.alive && files.remove(path))
    }
  }

  #log(): Log {
    const keep = (fields: LogFields, message: string): void => void this.logged.push({ ...fields, message })
    return { debug: keep, info: keep, warn: keep, error: keep }
  }
}

/** What the pusher was told of a device. */
export interface Outcome {
  readonly outcome: string
  readonly code: string | null
  readonly detail: string
  readonly version: number | null
}

export interface LifeOptions extends Pick<AgentOptions, 'haltAt' | 'halt' | 'standstillMs' | 'reachableMs'> {
  /** For what the firmware cannot be made to do. */
  readonly wrap?: (controller: Controller) => Controller
  /** An update is heard in one breath with the next reply to a heartbeat, as two messages in one packet are. */
  readonly bunched?: boolean
}

interface WorldOptions {
  readonly boards?: number
  readonly autoRestart?: boolean
  /** More lines of `[profile]`. */
  readonly profile?: string
}

/** One device with its boards and its agent, a broker and a Locksmith, all on hand-driven time. */
export class DeviceWorld {
  readonly timers = new HandTimers()
  readonly broker = new DeviceBroker(this.timers)
  readonly files = new MemoryFiles()
  readonly boards: readonly FirmwareBoard[]
  readonly topics: Topics = topicsOf('default')
  readonly locksmith: Locksmith
  readonly toml: string
  #seed = 42
  #pusher: FleetSession | undefined
  #life: Life | undefined

  constructor({ boards = 1, autoRestart = true, profile = '' }: WorldOptions = {}) {
    this.boards = Array.from({ length: boards }, () => new FirmwareBoard(this.timers))
    this.toml = agentToml(boards, autoRestart, profile)
    this.locksmith = this.#startLocksmith()
  }

  /** Repeatable chance. */
  random = (): number => {
    this.#seed = (this.#seed * 1_103_515_245 + 12_345) % 2 ** 31
    return this.#seed / 2 ** 31
  }

  #startLocksmith(): Locksmith {
    const { timers } = this
    let limit = 0
    return startLocksmith({
      connect: this.broker.connect,
      clock: { now: () => timers.now(), wall: () => new Date(0), after: (ms, run) => timers.after(ms, run) },
      store: openMemoryStore(emptyDisk()),
      fenceFile: {
        read: () => limit,
        write: (next) => {
          limit = next
        }
      },
      boot: 'boot-1',
      instance: 'locksmith-1',
      version: '0',
      fleet: 'default',
      ttlMs: TTL_MS,
      policy: () => DEFAULT_POLICY,
      log: silentLog,
      defer: (run) => void timers.after(0, run),
      everySweep: () => ({ stop: () => undefined })
    })
  }

  get life(): Life {
    if (this.#life === undefined) throw new Error('no agent was started')
    return this.#life
  }

  get agent(): Agent {
    return this.life.agent
  }

  start(options: LifeOptions = {}): Life {
    this.#life = new Life(this, options)
    return this.#life
  }

  /** kill -9. */
  kill(): void {
    this.life.alive = false
    this.broker.bury('locksmith-agent-default-arm-7')
  }

  /** Starts an agent that dies just after that step is in its journal. */
  startDoomed(haltAt: NonNullable<LifeOptions['haltAt']>): void {
    this.start({ haltAt, halt: () => this.kill() })
  }

  /** Lets time pass until `done` holds; fails after `withinMs` of this time. */
  async until(what: string, done: () => unknown, withinMs = 20_000): Promise<void> {
    const end = this.timers.now() + withinMs
    while (!done()) {
      if (this.timers.now() >= end) throw new Error(`waited ${withinMs} ms for ${what}; ${this.#plight()}`)
      await this.timers.advance(1)
    }
  }

  async pass(ms: number): Promise<void> {
    await this.timers.advance(ms)
  }

  async settled<T>(what: string, promise: Promise<T>, withinMs = 20_000): Promise<T> {
    let over = false
    promise.then(
      () => {
        over = true
      },
      () => {
        over = true
      }
    )
    await this.until(what, () => over, withinMs)
    return promise
  }

  #plight(): string {
    const holds = this.#life?.agent.guard.holds.map((hold) => `${hold.id}: ${hold.why}`)
    const last = this.#life?.logged.slice(-6).map((line) => line.message)
    return JSON.stringify({
      state: this.#life?.agent.guard.state,
      holds,
      last,
      traces: this.boards.map((b) => b.trace())
    })
  }

  /** A principal that pushes or locks. */
  session(name: string, kind: 'push' | 'tool' = 'push'): FleetSession {
    const { timers, broker, random } = this
    const clock = { now: () => timers.now(), wall: () => new Date(0), after: timers.after.bind(timers) }
    const clientId = `${name}-${makeId(random)}`
    const connection = openFleetConnection({
      connect: broker.connect,
      clock,
      fleet: 'default',
      principal: name,
      clientId
    })
    return openSession({ kind, device: null, boot: 'boot-2', connection, clock, random })
  }

  /** Starts an agent and lets it come to rest: running, or paused when it has a reason. */
  async running(options: LifeOptions = {}): Promise<void> {
    this.start(options)
    await this.until('the device to run', () => this.agent.guard.state === 'running')
  }

  /** Has Locksmith hand a document to the device; returns the id of the push. */
  async push(document: string, said: Partial<Update> = {}): Promise<string> {
    this.#pusher ??= this.session('operator')
    const pusher = this.#pusher
    await this.settled('contact of the pusher', pusher.contact(10_000))
    const resource = said.resource ?? 'aim'
    const version = said.version ?? Number(/version = (\d+)/.exec(document)?.[1] ?? 1)
    const common = { id: makeId(this.random), resource, version, document, scope: DEVICE, atOnce: 1 }
    const digest = said.digest ?? digestOf(document)
    const pushed = pusher.request(
      (session, seq) => ({ op: 'push', session, seq, ...common, digest, under: said.under ?? null }),
      'push'
    )
    await this.settled('the push', pushed)
    return common.id
  }

  /** Pushes, and lets time pass until the outcome was told. */
  async pushed(document: string, said: Partial<Update> = {}): Promise<Outcome> {
    return this.outcomeOf(await this.push(document, said))
  }

  async outcomeOf(push: string, withinMs = 20_000): Promise<Outcome> {
    await this.until(`the outcome of ${push}`, () => this.outcome(push), withinMs)
    return this.outcome(push) as Outcome
  }

  /** What was told of a push, the last word. */
  outcome(
    push: string
  ): { outcome: string; code: string | null; detail: string; version: number | null } | undefined {
    const topic = this.topics.request('arm-7')
    const said = this.broker.seen.filter((one) => one.topic === topic).map((one) => JSON.parse(one.payload))
    const last = said.findLast((one) => one.op === 'outcome' && one.push === push)
    if (last === undefined) return undefined
    const { outcome, code, detail, version } = last
    return { outcome, code, detail, version }
  }

  /** The retained state of the agent. */
  get state(): AgentState {
    return JSON.parse(this.broker.retained.get(this.topics.agent('arm-7')) ?? 'null')
  }

  /** The only board. */
  get board(): FirmwareBoard {
    return this.boards[0] as FirmwareBoard
  }

  /** What the firmware of every board has in force for `aim`: version, whether it is verified, sensitivity. */
  get inForce(): readonly string[] {
    return this.boards.map((board) => {
      const { versions, unverified, params } = board.trace()
      const mark = unverified.includes('aim') ? ' unverified' : ''
      return `${versions.aim}${mark}, ${params['aim.sensitivity']?.toFixed(2)}`
    })
  }

  /** The version in the file of `aim`, from its document. */
  get fileVersion(): number | undefined {
    const found = /^version = (\d+)/m.exec(this.file('aim') ?? '')
    return found === null ? undefined : Number(found[1])
  }

  logged(event: string): LogFields | undefined {
    return this.life.logged.find((line) => line.event === event)
  }

  /** The file of a resource, as it is on disk. */
  file(resource: string): string | undefined {
    return this.files.content.get(`/state/config/${resource}.toml`)
  }

  get journal(): string {
    return this.files.content.get('/state/journal.jsonl') ?? ''
  }
}

function agentToml(boards: number, autoRestart: boolean, profile: string): string {
  const controllers = Array.from(
    { length: boards },
    (_, at) => `[[controller]]\nname = "axis-${at + 1}"\ndriver = "native"\nport = "memory"\n`
  )
  return `device = "${DEVICE}"
kind = "arm"
stateDir = "/state"
runDir = "/run"
[profile]
${autoRestart ? 'autoRestart = "a test has no bystanders"' : ''}
${profile}
${controllers.join('')}`
}

/** A document of `aim`. */
export const aim = (version: number, sensitivity = 0.65): string => `resource = "aim"
version = ${version}
[values]
sensitivity = ${sensitivity}
deadband_deg = 0.4
max_slew_deg_s = 45.0
`

/** A controller of which some methods do something else, for what the firmware cannot be made to do. */
export const changed = (controller: Controller, methods: Partial<Controller>): Controller =>
  new Proxy(controller, {
    get: (target, name) => {
      if (name in methods) return Reflect.get(methods, name)
      const found: unknown = Reflect.get(target, name, target)
      return typeof found === 'function' ? found.bind(target) : found
    }
  })
