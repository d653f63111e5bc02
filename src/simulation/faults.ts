import type { Cut } from './device/disk.ts'
import type { Dice } from './dice.ts'
import type { Host } from './host.ts'
import type { Interruption, Life } from './life.ts'
import type { LocksmithHost } from './programs/locksmith.ts'
import { Rival } from './programs/rival.ts'
import type { World } from './world.ts'

/** How often each fault happened, and in which state of its victim. */
export type FaultCounts = Record<string, number>

/** One kind of fault; returns the state in which it met its victim, or undefined when there was none. */
export interface Fault {
  readonly name: string
  readonly perMinute: number
  readonly strike: () => string | undefined
}

/** Steps of a change in which a process has begun something. */
const MIDDLE: ReadonlySet<string> = new Set(['hold', 'pause', 'stage', 'commit', 'write', 'verify'])

/** Deals out faults. Each run has its own climate: some kinds are frequent, some never happen. */
export class Faults {
  readonly counts: FaultCounts = {}
  readonly #world: World
  readonly #dice: Dice
  readonly #stopAtEffect: number
  readonly #killAtEffect: number

  constructor(world: World) {
    this.#world = world
    this.#dice = world.dice.fork('faults')
    this.#stopAtEffect = this.#dice.chance(0.5) ? this.#dice.stretched(0.0002, 0.01) : 0
    this.#killAtEffect = this.#dice.chance(0.5) ? this.#dice.stretched(0.0001, 0.005) : 0
    world.interrupt = (life) => this.#interrupt(life)
  }

  /** The rate of a kind of fault in this run. */
  rate(mostPerMinute: number): number {
    return this.#dice.chance(0.5) ? 0 : this.#dice.stretched(mostPerMinute / 20, mostPerMinute)
  }

  add(fault: Fault): void {
    const { timeline } = this.#world
    const next = (): void => {
      const ms = this.#dice.untilNextMs(fault.perMinute)
      if (!Number.isFinite(ms)) return
      timeline.after(ms, () => {
        if (this.#world.calm) return
        const state = fault.strike()
        if (state !== undefined) this.count(fault.name, state)
        next()
      })
    }
    next()
  }

  count(name: string, state: string): void {
    const key = `${name} × ${state}`
    this.counts[key] = (this.counts[key] ?? 0) + 1
  }

  /** Processes are hit more often while they are in the middle of something. */
  #weight(life: Life): number {
    return MIDDLE.has(this.#world.register.stateOf(life)) ? 30 : 1
  }

  /** Whether a write to a device's disk is the last thing that a process does. */
  cut(life: Life): Cut {
    if (this.#world.calm || !this.#dice.chance(this.#killAtEffect * this.#weight(life))) return 'none'
    const cut = this.#dice.pick(['before', 'torn', 'after'] as const)
    this.count(`kill at a write (${cut})`, this.#world.register.stateOf(life))
    this.#world.history.note(life.name, `is killed at a write to its disk (${cut})`)
    return cut
  }

  #interrupt(life: Life): Interruption {
    if (this.#world.calm) return 'none'
    const weight = this.#stopAtEffect + this.#killAtEffect > 0 ? this.#weight(life) : 0
    if (this.#dice.chance(this.#stopAtEffect * weight)) {
      this.#noteStop(life, 'stop at an effect')
      return 'stop'
    }
    if (!this.#dice.chance(this.#killAtEffect * weight)) return 'none'
    this.count('kill at an effect', this.#world.register.stateOf(life))
    this.#world.history.note(life.name, 'is killed while it acts')
    return 'kill'
  }

  /** SIGSTOP and, sooner or later, SIGCONT. */
  stop(life: Life, atLeastMs = 0): void {
    this.#noteStop(life, 'stop', atLeastMs)
    life.stop()
  }

  #noteStop(life: Life, name: string, atLeastMs = 0): void {
    const { timeline, history, ttlMs, broker, register } = this.#world
    this.count(name, register.stateOf(life))
    // Most of all, stops that outlast a lease.
    const drawn = this.#dice.chance(0.5)
      ? this.#dice.stretched(20, ttlMs)
      : this.#dice.between(0.8, 4) * ttlMs
    const ms = Math.max(drawn, atLeastMs)
    history.note(life.name, `is stopped (SIGSTOP) for ${Math.round(ms)} ms`)
    timeline.after(0, () => {
      for (const client of broker.clientsOf(life)) client.stopped()
    })
    timeline.after(ms, () => {
      if (!life.stopped) return
      history.note(life.name, 'wakes (SIGCONT)')
      life.wake()
    })
  }

  /** A process of one of these kinds that runs now. */
  victim(hosts: readonly Host[]): Life | undefined {
    const running = hosts.flatMap(({ life }) => (life?.running ? [life] : []))
    return running.length === 0 ? undefined : this.#dice.pick(running)
  }

  get dice(): Dice {
    return this.#dice
  }
}

/** The faults that every world has. */
export function addCommonFaults(world: World, faults: Faults, locksmith: LocksmithHost): Rival {
  const { register, history } = world
  const rival = new Rival(world)
  const owners = (): Host[] => world.hosts.filter(({ kind }) => kind !== 'locksmith')
  const onLife = (hosts: () => readonly Host[], act: (life: Life) => void) => (): string | undefined => {
    const life = faults.victim(hosts())
    if (life === undefined) return undefined
    const state = register.stateOf(life)
    act(life)
    return state
  }
  const kill = (life: Life): void => {
    history.note(life.name, 'is killed (SIGKILL)')
    life.kill()
  }
  faults.add({ name: 'kill', perMinute: faults.rate(20), strike: onLife(owners, kill) })
  faults.add({
    name: 'kill Locksmith',
    perMinute: faults.rate(8),
    strike: onLife(() => [locksmith.host], kill)
  })
  faults.add({
    name: 'crash loop',
    perMinute: faults.rate(3),
    strike: () => loopLocksmith(world, faults, locksmith)
  })
  const stop = (life: Life) => faults.stop(life)
  const stopAny = onLife(
    () => owners(),
    (life) => faults.stop(life)
  )
  faults.add({ name: 'stop', perMinute: faults.rate(20), strike: () => void stopAny() })
  faults.add({
    name: 'stop Locksmith',
    perMinute: faults.rate(3),
    strike: () => void onLife(() => [locksmith.host], stop)()
  })
  faults.add({ name: 'reboot', perMinute: faults.rate(1), strike: () => rebootServer(world, locksmith) })
  faults.add({
    name: 'disk full',
    perMinute: faults.rate(2),
    strike: () => fillDisk(world, faults, locksmith)
  })
  faults.add({
    name: 'broker restart',
    perMinute: faults.rate(4),
    strike: () => restartBroker(world, faults)
  })
  faults.add({ name: 'store backup', perMinute: 3, strike: () => void locksmith.backUp() })
  faults.add({
    name: 'store restored',
    perMinute: faults.rate(1),
    strike: () => restoreStore(world, locksmith)
  })
  faults.add({ name: 'broker save', perMinute: 2, strike: () => void world.broker.save() })
  faults.add({ name: 'cut line', perMinute: faults.rate(20), strike: () => cutLine(world, faults, rival) })
  return rival
}

/** Locksmith crashes again and again before a whole lease time has passed. */
function loopLocksmith(world: World, faults: Faults, { host }: LocksmithHost): string {
  const { history, timeline, ttlMs, register } = world
  const rounds = faults.dice.whole(4, 12)
  history.note('locksmith', `will crash ${rounds} times`)
  if (faults.dice.chance(0.7)) for (const { life } of register.holders.slice(0, 1)) life.kill()
  let at = 0
  for (let round = 0; round < rounds; round += 1) {
    at += faults.dice.between(0.4, 0.95) * ttlMs
    timeline.after(at, () => {
      if (world.calm) return
      host.life?.kill()
      host.startIn(50)
    })
  }
  return 'any'
}

function rebootServer({ history }: World, locksmith: LocksmithHost): string {
  history.note('locksmith', 'its machine reboots')
  locksmith.host.life?.kill()
  locksmith.host.machine.reboot()
  locksmith.rebooted()
  return 'any'
}

function fillDisk({ history, timeline }: World, faults: Faults, { disk }: LocksmithHost): string | undefined {
  if (disk.refuses !== undefined) return undefined
  history.note('locksmith', 'its disk is full')
  disk.refuses = 'no space left on device'
  timeline.after(faults.dice.stretched(50, 10_000), () => {
    history.note('locksmith', 'its disk has space again')
    disk.refuses = undefined
  })
  return 'any'
}

/** Not covered, and not done here: that the broker has forgotten at the same time. */
function restoreStore(world: World, locksmith: LocksmithHost): string | undefined {
  const { timeline, history, ttlMs } = world
  if (!world.broker.up || timeline.now < world.forgotAt + 4 * ttlMs + 10_000) return undefined
  locksmith.host.life?.kill()
  if (!locksmith.restore()) return undefined
  history.note('locksmith', 'its store is an old one again, from a backup')
  world.rememberUntil = timeline.now + 4 * ttlMs + 20_000
  return 'any'
}

function restartBroker(world: World, faults: Faults): string | undefined {
  const { history, timeline, broker } = world
  if (!broker.up) return undefined
  const drawn = faults.dice.pick(['kept', 'saved', 'empty'] as const)
  const memory = timeline.now < world.rememberUntil ? 'kept' : drawn
  if (memory !== 'kept') world.forgotAt = timeline.now
  const ms = faults.dice.stretched(20, 10_000)
  history.note('broker', `is down for ${Math.round(ms)} ms; what it retained will be: ${memory}`)
  broker.crash()
  timeline.after(ms, () => {
    history.note('broker', 'is up')
    broker.restart(memory)
  })
  return memory
}

/** A line that fails in one direction, in both, or by and by: late answers first, then nothing that is sent gets through. */
function cutLine(world: World, faults: Faults, rival: Rival): string | undefined {
  const { history, timeline, broker, register, ttlMs } = world
  const { dice } = faults
  const holder = register.holders.length > 0 && dice.chance(0.6) ? dice.pick(register.holders) : undefined
  const clients = holder === undefined ? broker.clients : broker.clientsOf(holder.life)
  if (clients.length === 0) return undefined
  const client = dice.pick(clients)
  const kind = dice.pick(['mute', 'deaf', 'both', 'fading'] as const)
  const ms = dice.stretched(50, 4 * ttlMs)
  const state = register.stateOf(client.life)
  history.note(client.life.name, `its line is cut (${kind}) for ${Math.round(ms)} ms`)
  if (kind === 'fading') {
    client.delay(dice.between(0.2, 0.9) * ttlMs)
    timeline.after(dice.between(0, 0.5) * ttlMs, () => client.cut(true, false))
  } else client.cut(kind !== 'deaf', kind !== 'mute')
  timeline.after(Math.max(ms, kind === 'fading' ? 2 * ttlMs : 0), () => client.mend())
  const wanted = holder?.grant.locks[0]
  if (wanted !== undefined && dice.chance(0.5)) rival.wants(wanted.lock)
  return `${kind}, ${state}`
}
