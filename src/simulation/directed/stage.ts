import { Device, type DeviceOptions } from '../device/device.ts'
import type { Interruption, Life } from '../life.ts'
import { LocksmithHost } from '../programs/locksmith.ts'
import { FLEET, type World } from '../world.ts'
import { addHolder, type HolderOptions, Program, type ProgramOptions } from './program.ts'
import { type PushOptions, startPush } from './push.ts'

/** A story that chance hardly ever tells: what happens is written down, when and how fast is drawn. Judged like everything else. */
export interface Play {
  readonly name: string
  /** What happens in it. */
  readonly says: string
  /** With these devices, besides their paths; none when only locks matter. */
  readonly devices?: readonly Partial<Omit<DeviceOptions, 'path'>>[]
  readonly act: (stage: Stage) => Promise<void>
}

/** The story cannot go on: somebody did not come so far. */
class Stuck extends Error {}

const LOOK_EVERY_MS = 2
const PROFILE = { pauseBudget: '10m', afterBudget: 'stay', onHostSilent: 'continue' } as const

interface Row {
  readonly state: string
  readonly fence: number
}

/** The parts that a story is told with: the same as in every other world. */
export class Stage {
  readonly world: World
  readonly locksmith: LocksmithHost
  readonly devices: readonly Device[]
  /** Why the story did not come to its end. */
  stuck: string | undefined = 'it has not ended'
  over = false

  constructor(world: World, { devices = [] }: Play) {
    this.world = world
    world.broker.becalm()
    this.locksmith = new LocksmithHost(world, world.machine('server'))
    this.locksmith.host.startIn(0)
    this.devices = devices.map((options, at) => this.#addDevice(`plant-1/arm-${at + 1}`, options))
  }

  #addDevice(path: string, options: Partial<DeviceOptions>): Device {
    const device = new Device(this.world, { controllers: 1, profile: PROFILE, ...options, path })
    device.host.startIn(0)
    this.world.register.describe(device.name, () => device.journal.step)
    return device
  }

  /** Begins to tell. */
  begin(act: Play['act']): void {
    act(this).then(
      () => this.#end(undefined),
      (error: unknown) => {
        if (!(error instanceof Stuck)) throw error
        this.#end(error.message)
      }
    )
  }

  #end(stuck: string | undefined): void {
    this.over = true
    this.stuck = stuck
    this.note(stuck === undefined ? 'has been told' : `cannot go on: ${stuck}`)
  }

  get ttlMs(): number {
    return this.world.ttlMs
  }

  get device(): Device {
    return this.devices[0] as Device
  }

  /** For the reader of the history. */
  note(what: string): void {
    this.world.history.note('story', what)
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.world.timeline.after(ms, resolve))
  }

  /** Resolves when it is so; the story ends when it does not come to that. */
  async until(what: string, isSo: () => boolean, withinMs = 10 * this.ttlMs + 40_000): Promise<void> {
    const late = this.world.timeline.now + withinMs
    while (!isSo()) {
      if (this.world.timeline.now > late) throw new Stuck(`waited in vain until ${what}`)
      await this.wait(LOOK_EVERY_MS)
    }
  }

  /** Locksmith serves, and every device runs. */
  async ready(): Promise<void> {
    await this.until('Locksmith serves', () => this.locksmith.serving)
    await this.until('every device runs', () =>
      this.devices.every(({ boards }) => boards.every(({ trace }) => !trace.paused))
    )
    await this.wait(this.ttlMs / 2)
  }

  program(options: ProgramOptions): Program {
    return new Program(this.world, options)
  }

  holder(options: HolderOptions): Program {
    return addHolder(this.world, options)
  }

  push(options: PushOptions): Program {
    return startPush(this.world, options)
  }

  /** Somebody takes a lock and has it. */
  async taken(options: HolderOptions): Promise<Program> {
    const holder = this.holder(options)
    await this.until(`${options.name} holds`, () => holder.holds)
    return holder
  }

  /** A process is stopped (SIGSTOP). */
  stop(life: Life): void {
    this.world.history.note(life.host, '! is stopped (SIGSTOP)')
    life.stop()
  }

  wake(life: Life): void {
    this.world.history.note(life.host, 'wakes (SIGCONT)')
    life.wake()
  }

  kill(life: Life | undefined): void {
    if (life === undefined) return
    this.world.history.note(life.host, '! is killed (SIGKILL)')
    life.kill()
  }

  /** Locksmith dies, and begins again after so long. */
  async restart(afterMs: number, meanwhile: () => void = () => {}): Promise<void> {
    const { host } = this.locksmith
    this.kill(host.life)
    meanwhile()
    host.startIn(afterMs)
    await this.until('Locksmith serves', () => this.locksmith.serving)
  }

  /** What happens to a process in the moment in which something leaves it, once `when` is so: once. */
  atEffect(of: string, when: () => boolean, what: Interruption): void {
    this.world.interrupt = (life) => {
      if (life.host !== of || !when()) return 'none'
      this.world.interrupt = () => 'none'
      this.world.history.note(of, `! ${what} while it sends`)
      return what
    }
  }

  /** What last arrived at Locksmith with this operation and about this lock. */
  overhear(op: string, lock: string): () => string {
    let last = ''
    this.locksmith.onRequest.push((text) => {
      if (text.startsWith(`{"op":"${op}"`) && text.includes(`["${lock}"]`)) last = text
    })
    return () => last
  }

  /** Something that somebody once said arrives again. */
  again(name: string, text: string): void {
    this.note(`what ${name} once sent arrives again`)
    const topic = `locksmith/1/${FLEET}/req/${name}`
    this.world.broker.publish({ topic, payload: Buffer.from(text), text, qos: 0, retain: false })
  }

  /** The broker begins anew, and has forgotten all that it had retained. */
  emptyBroker(): void {
    this.world.history.note('broker', '! begins anew, with nothing retained')
    this.world.broker.crash()
    this.world.broker.restart('empty')
  }

  /** As Locksmith's store says. */
  fenceOf(lock: string): number {
    return this.#row(lock)?.fence ?? 0
  }

  /** Clears a lock, as an operator does who has just seen it taken; or has seen an earlier grant. */
  clear(lock: string, fence = this.fenceOf(lock)): Program {
    const main = async (operator: Program): Promise<void> => {
      this.note(`an operator unlocks ${lock} (fence ${fence})`)
      const ask = { op: 'unlock', id: operator.id(), lock, fence, reason: 'told so', graceMs: 0 } as const
      await operator.connection.call(ask, 'unlocked')
    }
    return this.program({ name: 'operator', kind: 'tool', main })
  }

  #row(lock: string): Row | undefined {
    return this.locksmith.disk.rows.get(`lock/${lock}`)?.value as Row | undefined
  }

  /** As Locksmith's store says. */
  stateOf(lock: string): string {
    return this.#row(lock)?.state ?? 'free'
  }
}
