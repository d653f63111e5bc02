import type { Effect, Reply } from '../../src/rules/effects.ts'
import { advance, nextDue, settle } from '../../src/rules/expiry.ts'
import { Fleet, type Lock, type LockFence, type SessionKind } from '../../src/rules/fleet.ts'
import { lockOf } from '../../src/rules/lock.ts'
import { type PolicyEntry, policyFor } from '../../src/rules/policy.ts'
import { startPush, takeOutcome } from '../../src/rules/push.ts'
import { acquire, release } from '../../src/rules/request.ts'
import { deviceName } from '../../src/rules/scope.ts'
import { goodbye, heartbeat, hello } from '../../src/rules/session.ts'
import { listening, reserveFences, type StartFacts, start } from '../../src/rules/start.ts'
import { unlock } from '../../src/rules/unlock.ts'
import { withdrawPush } from '../../src/rules/withdraw.ts'

export const TTL_MS = 15_000

type ReplyOf<Op extends Reply['op']> = Extract<Reply, { op: Op }>

/** A fleet as the rules see it, told as a story: sessions in contact, time that passes, what each was answered. */
export class Story {
  fleet: Fleet
  now = 1_000_000
  #policies: PolicyEntry[]
  readonly effects: Effect[] = []
  readonly players: Player[] = []
  #ids = 0
  resources: readonly string[] = ['aim', 'safety']

  constructor(policies: PolicyEntry[] = []) {
    this.#policies = policies
    this.fleet = this.#newFleet()
    this.restart()
    this.pass(TTL_MS / 3)
  }

  get policies(): PolicyEntry[] {
    return this.#policies
  }

  /** A change is noticed with the next sweep. */
  set policies(policies: PolicyEntry[]) {
    this.#policies = policies
    this.fleet.due.reconsider()
  }

  #newFleet(): Fleet {
    return new Fleet({
      ttlMs: TTL_MS,
      policy: (lock) => policyFor(this.policies, lock),
      resources: () => this.resources
    })
  }

  id(): string {
    this.#ids += 1
    return `id-${this.#ids}`
  }

  /** Locksmith begins anew on what is durable. It hears the broker at once unless told otherwise. */
  restart(facts: Partial<StartFacts> = {}, hears = true): void {
    const old = this.fleet
    this.fleet = this.#newFleet()
    for (const [kind, table] of Object.entries(old.durable)) {
      const into = this.fleet.durable[kind as keyof Fleet['durable']]
      for (const [key, value] of entries(table.values())) into.put(key(kind), value)
    }
    this.fleet.keep()
    const none = { rebooted: false, knownFence: 0, knownLimit: 0, knownTerm: 0 }
    this.do(() => {
      start(this.fleet, { ...none, ...facts }, this.now)
      reserveFences(this.fleet, this.fleet.meta.fenceNext + 1000)
      if (hears) listening(this.fleet, this.now)
    })
  }

  /** One input, as the shell carries it out. */
  do(act: () => void): void {
    advance(this.fleet, this.now)
    act()
    settle(this.fleet, this.now)
    this.#take()
  }

  #take(): void {
    const effects = this.fleet.takeEffects()
    this.fleet.keep()
    this.effects.push(...effects)
    for (const effect of effects) {
      if (effect.do !== 'reply') continue
      for (const player of this.players) if (player.name === effect.to) player.hear(effect.reply)
    }
  }

  /** Time passes; whoever lives sends heartbeats every third of a lease, and Locksmith wakes when something is due. */
  pass(ms: number): void {
    const until = this.now + ms
    while (this.now < until) {
      const due = nextDue(this.fleet, this.now) ?? Number.POSITIVE_INFINITY
      const beat = Math.min(...this.players.map((player) => player.nextBeat))
      this.now = Math.max(this.now, Math.min(due, beat, until))
      for (const player of this.players) if (player.nextBeat <= this.now) player.beat()
      this.do(() => undefined)
      if (due <= this.now && (nextDue(this.fleet, this.now) ?? Number.POSITIVE_INFINITY) <= this.now)
        this.now += 1
    }
  }

  agent(device: string, enforces?: boolean): Player {
    return new Player(this, { name: deviceName(device), kind: 'agent', device, enforces }).enter()
  }

  tool(name: string): Player {
    return new Player(this, { name, kind: 'tool', device: null, enforces: undefined }).enter()
  }

  pusher(name: string): Player {
    return new Player(this, { name, kind: 'push', device: null, enforces: undefined }).enter()
  }

  lock(name: string): Lock {
    return lockOf(this.fleet, name)
  }

  /** An operator clears what he sees now. */
  unlock(lock: string, more: { fence?: number; graceMs?: number; operation?: string; reason?: string } = {}) {
    const { fence = this.lock(lock).fence, graceMs = 0, operation = this.id(), reason = 'a trial' } = more
    const before = this.effects.length
    this.do(() => unlock(this.fleet, { from: 'operator', operation, lock, fence, reason, graceMs }, this.now))
    return this.repliesSince(before).at(-1) as ReplyOf<'unlocked'> | ReplyOf<'failed'>
  }

  /** An operator takes a push back. */
  withdraw(push: string, more: { operation?: string; reason?: string } = {}) {
    const { operation = this.id(), reason = 'a trial' } = more
    const before = this.effects.length
    this.do(() => withdrawPush(this.fleet, { from: 'operator', operation, push, reason }, this.now))
    const answers = this.repliesSince(before)
    return answers.find(({ op }) => op === 'withdrawn' || op === 'failed') as
      | ReplyOf<'withdrawn'>
      | ReplyOf<'failed'>
  }

  repliesSince(mark: number): Reply[] {
    return this.effects.slice(mark).flatMap((effect) => (effect.do === 'reply' ? [effect.reply] : []))
  }

  since<Do extends Effect['do']>(mark: number, what: Do): Extract<Effect, { do: Do }>[] {
    return this.effects.slice(mark).filter((effect) => effect.do === what) as Extract<Effect, { do: Do }>[]
  }
}

/** Keys of the durable tables, as the rules choose them. */
function entries(values: Iterable<unknown>): [(kind: string) => string, unknown][] {
  const keyOf = (value: Record<string, unknown>) => (kind: string) => {
    const field = { session: 'session', lock: 'name', grant: 'request', push: 'id', operation: 'operation' }[
      kind
    ]
    return field === undefined ? 'meta' : String(value[field])
  }
  return [...values].map((value) => {
    const copy = JSON.parse(JSON.stringify(value)) as Record<string, unknown>
    return [keyOf(copy), copy]
  })
}

interface Who {
  readonly name: string
  readonly kind: SessionKind
  readonly device: string | null
  readonly enforces: boolean | undefined
}

/** One session, played by the protocol: it says hello, hears, sends heartbeats, asks. */
export class Player {
  readonly who: Who
  readonly story: Story
  readonly heard: Reply[] = []
  readonly asks = new Map<string, { locks: string[]; since: number; over?: boolean; phase?: string }>()
  session = 0
  seq = 0
  lastHeard = 0
  nextBeat = Number.POSITIVE_INFINITY
  knownFence = 0
  knownTerm = 0
  standing: LockFence[] = []
  #helloId = ''

  constructor(story: Story, who: Who) {
    this.story = story
    this.who = who
    story.players.push(this)
  }

  get name(): string {
    return this.who.name
  }

  hello(id = this.story.id()): void {
    const { kind, device, name } = this.who
    const { story } = this
    this.#helloId = id
    const { knownFence, knownTerm } = this
    const input = { from: name, id, kind, boot: 'boot-1', device, knownFence, knownTerm }
    story.do(() => hello(story.fleet, input, story.now))
  }

  /** Says hello and comes into contact. */
  enter(): this {
    this.hello()
    this.beat()
    return this
  }

  beat(more: { heard?: number; seq?: number } = {}): void {
    const { story } = this
    this.seq = more.seq ?? this.seq + 1
    this.nextBeat = story.now + TTL_MS / 3
    const input = {
      from: this.name,
      session: this.session,
      seq: this.seq,
      heard: more.heard ?? this.lastHeard,
      asks: [...this.asks].map(([request, { locks, since, over, phase }]) => ({
        request,
        locks,
        reason: '',
        waitedMs: story.now - since,
        phase,
        ...(over === undefined ? {} : { over })
      })),
      knownFence: this.knownFence,
      knownTerm: this.knownTerm,
      enforces: this.who.enforces,
      standing: this.standing
    }
    story.do(() => heartbeat(story.fleet, input, story.now))
  }

  /** It hears and sends nothing any more: killed, stopped, or cut off. */
  die(): void {
    this.nextBeat = Number.POSITIVE_INFINITY
  }

  hear(reply: Reply): void {
    if (reply.op === 'hello' && reply.id === this.#helloId && reply.session !== this.session) {
      this.session = reply.session
      this.seq = 0
      this.lastHeard = 0
    }
    if ('session' in reply && reply.session !== this.session) return
    this.heard.push(reply)
    if (reply.op === 'heartbeat') this.lastHeard = Math.max(this.lastHeard, reply.seq)
  }

  last<Op extends Reply['op']>(op: Op): ReplyOf<Op> | undefined {
    return this.heard.findLast((reply) => reply.op === op) as ReplyOf<Op> | undefined
  }

  ask(
    locks: string | string[],
    more: { wait?: boolean; request?: string; seq?: number; phase?: string } = {}
  ): string {
    const { story } = this
    const request = more.request ?? story.id()
    const all = typeof locks === 'string' ? [locks] : locks
    if (more.wait !== false) this.asks.set(request, { locks: all, since: story.now })
    this.seq = more.seq ?? this.seq + 1
    const { phase } = more
    const input = {
      request,
      locks: all,
      reason: '',
      waitedMs: 0,
      phase,
      from: this.name,
      session: this.session
    }
    story.do(() => acquire(story.fleet, { ...input, seq: this.seq, wait: more.wait ?? true }, story.now))
    return request
  }

  release(request: string): void {
    const { story } = this
    this.asks.delete(request)
    this.seq += 1
    const input = { from: this.name, session: this.session, seq: this.seq, request }
    story.do(() => release(story.fleet, input, story.now))
  }

  goodbye(): void {
    const { story } = this
    this.seq += 1
    this.die()
    story.do(() => goodbye(story.fleet, { from: this.name, session: this.session, seq: this.seq }, story.now))
  }

  /** The locks that it holds by Locksmith's word. */
  get holds(): string[] {
    return [...this.story.fleet.busy.values()]
      .filter((lock) => lock.state === 'held' && lock.owner?.session === this.session)
      .map((lock) => lock.name)
  }

  /** The refusal that this request met, if any. */
  refusal(request: string): string | undefined {
    const refused = this.heard.findLast((reply) => reply.op === 'refused' && reply.request === request)
    return refused?.op === 'refused' ? refused.refusal.why : undefined
  }

  push(
    scope: string,
    more: { under?: LockFence; atOnce?: number; id?: string; resource?: string } = {}
  ): string {
    const { story } = this
    const id = more.id ?? story.id()
    this.seq += 1
    const input = {
      from: this.name,
      session: this.session,
      seq: this.seq,
      id,
      resource: more.resource ?? 'aim',
      version: 17,
      document: 'text',
      digest: 'd'.repeat(64),
      scope,
      under: more.under ?? null,
      atOnce: more.atOnce ?? 1
    }
    story.do(() => startPush(story.fleet, input, story.now))
    return id
  }

  outcome(push: string, outcome: 'applied' | 'refused' | 'unverified' = 'applied'): void {
    const { story } = this
    this.seq += 1
    const input = { from: this.name, session: this.session, seq: this.seq, push, outcome }
    const rest = { code: null, detail: '', version: 17 }
    story.do(() => takeOutcome(story.fleet, { ...input, ...rest }, story.now))
  }
}
