import type {
  BrokerConnection,
  BrokerHandlers,
  ConnectOptions,
  PublishOptions
} from '../../platform/broker.ts'
import type { Dice } from '../dice.ts'
import { garbageOf } from '../faults/garbage.ts'
import type { Life } from '../life.ts'
import { KEEPALIVE_OVER_MS, type Seat, type Sent, type VirtualBroker } from './broker.ts'

export interface ClientOptions {
  readonly broker: VirtualBroker
  readonly life: Life
  readonly options: ConnectOptions
  readonly handlers: BrokerHandlers
}

/** One connection from its handshake to its end, both ends of it. */
interface Link {
  readonly seat: Seat
  open: boolean
  /** Packets of the client arrive in the order in which they were sent. */
  lastUpAt: number
  /** By topic; and nothing overtakes what was retained. */
  readonly lastDownAt: Map<string, number>
  retainedAt: number
}

/** A client of the virtual broker, with a line that may work in one direction only. */
export class Client implements BrokerConnection {
  readonly life: Life
  readonly #o: ClientOptions
  readonly #dice: Dice
  readonly #filters = new Set<string>()
  #link: Link | undefined
  #closed = false
  #attempts = 0
  #mute = false
  #deaf = false
  #lateMs = 0
  #stalled: (() => void)[] = []
  /** Some of the last messages, to be repeated. */
  readonly #heard: Sent[] = []
  readonly #said: Sent[] = []

  constructor(options: ClientOptions) {
    this.#o = options
    this.life = options.life
    this.#dice = options.broker.options.dice.fork(options.life.name)
    this.#tryLater(0)
  }

  get connected(): boolean {
    return this.#link?.open ?? false
  }

  publish(topic: string, payload: string, options: PublishOptions = {}): boolean {
    const link = this.#link
    if (link === undefined || !link.open) return false
    const { broker } = this.#o
    const { history } = broker.options
    const sent: Sent = {
      topic,
      payload: Buffer.from(payload),
      text: payload,
      qos: options.qos ?? 0,
      retain: options.retain ?? false
    }
    this.life.effect(() => {
      remember(this.#said, sent)
      const lost = sent.qos === 0 && (this.#mute || this.#dice.chance(broker.weather.loss))
      history.record(`${this.life.name} ${lost ? 'loses' : 'sends'} ${topic} ${payload}`)
      if (lost) return
      const twice = sent.qos === 1 && this.#dice.chance(broker.weather.duplicates)
      const goUp = (): void => {
        this.#goUp(link, () => broker.publish(sent))
        if (twice) this.#goUp(link, () => broker.publish(sent))
      }
      if (this.#mute) this.#stalled.push(goUp)
      else goUp()
    })
    return true
  }

  subscribe(filters: readonly string[]): void {
    const added = filters.filter((filter) => !this.#filters.has(filter))
    for (const filter of added) this.#filters.add(filter)
    const link = this.#link
    if (link?.open) this.life.effect(() => this.#sendSubscription(link, added))
  }

  close(): Promise<void> {
    this.#closed = true
    const link = this.#link
    this.#link = undefined
    if (link !== undefined) {
      this.life.effect(() => this.#goUp(link, () => this.#o.broker.leave(link.seat, true)))
      link.open = false
    }
    return Promise.resolve()
  }

  /** Cuts the line: what the client sends (mute) or what is sent to it (deaf) gets lost, until `mend`. Either end notices later. */
  cut(mute: boolean, deaf: boolean): void {
    this.#mute = mute
    this.#deaf = deaf
    const link = this.#link
    this.#o.broker.options.timeline.after(KEEPALIVE_OVER_MS, () => {
      if ((this.#mute || this.#deaf) && link !== undefined && this.#link === link)
        this.#break(link, 'silence')
    })
  }

  /** Something is wrong with its line. */
  get troubled(): boolean {
    return this.#mute || this.#deaf || this.#lateMs > 0
  }

  /** What is sent to the client from now on takes so much longer, until `mend`. */
  delay(ms: number): void {
    this.#lateMs = ms
  }

  /** What QoS 1 has to repeat gets through now, unless the connection is another by now. */
  mend(): void {
    this.#mute = false
    this.#deaf = false
    this.#lateMs = 0
    const stalled = this.#stalled
    this.#stalled = []
    for (const go of stalled) go()
  }

  /** The broker ends the connection; it can be made again. */
  drop(why: string): void {
    if (this.#link?.open) this.#break(this.#link, why)
  }

  /** Something that was once sent to the client arrives again. Returns its topic. */
  repeatHeard(dice: Dice): string | undefined {
    return this.#hearAgain(dice, (sent) => sent)
  }

  /** What was once sent to the client arrives again as something that is no message. */
  hearGarbage(dice: Dice): string | undefined {
    return this.#hearAgain(dice, (sent) => spoilt(sent, dice))
  }

  #hearAgain(dice: Dice, change: (sent: Sent) => Sent): string | undefined {
    const link = this.#link
    if (link === undefined || this.#heard.length === 0) return undefined
    const sent = dice.pick(this.#heard)
    this.#comeDown(link, change(sent), true)
    return sent.topic
  }

  /** Something that the client once sent arrives at the broker again. Returns its topic. */
  repeatSaid(dice: Dice): string | undefined {
    return this.#sayAgain(dice, (sent) => sent)
  }

  sayGarbage(dice: Dice): string | undefined {
    return this.#sayAgain(dice, (sent) => spoilt(sent, dice))
  }

  #sayAgain(dice: Dice, change: (sent: Sent) => Sent): string | undefined {
    const link = this.#link
    if (link === undefined || this.#said.length === 0) return undefined
    const sent = dice.pick(this.#said)
    this.#goUp(link, () => this.#o.broker.publish(change(sent)))
    return sent.topic
  }

  /** The process was stopped: the broker misses its keepalive. */
  stopped(): void {
    const { life } = this
    const { stops } = life
    const link = this.#link
    this.#o.broker.options.timeline.after(KEEPALIVE_OVER_MS, () => {
      if (link !== undefined && life.stopped && life.stops === stops) this.#break(link, 'keepalive')
    })
  }

  /** The process is dead: its socket is closed at once, or (power, network) noticed by keepalive. */
  died(): void {
    const link = this.#link
    if (link === undefined) return
    link.open = false
    const { broker } = this.#o
    const { timeline } = broker.options
    const dice = this.#dice
    const after = dice.chance(0.6) ? dice.between(0, 50) : dice.between(0, KEEPALIVE_OVER_MS)
    timeline.after(after, () => broker.leave(link.seat, false))
  }

  #tryLater(ms: number): void {
    this.life.clock.after(ms, () => {
      if (this.#closed || this.#link !== undefined) return
      this.#connect()
    })
  }

  #connect(): void {
    const { broker, options } = this.#o
    const { timeline } = broker.options
    const link: Link = {
      open: false,
      lastUpAt: timeline.now,
      lastDownAt: new Map(),
      retainedAt: 0,
      seat: {
        clientId: options.clientId,
        will: options.will,
        filters: new Set(),
        receive: (sent) => this.#comeDown(link, sent),
        dropped: (why) => this.#dropped(link, why)
      }
    }
    this.#link = link
    timeline.after(broker.delayMs(this.#dice) * 2, () => {
      if (this.life.dead || this.#link !== link) return
      if (!broker.up || this.#mute || this.#deaf)
        return this.life.deliver(() => this.#lost(link, 'no answer'))
      broker.take(link.seat)
      this.life.deliver(() => this.#opened(link))
    })
  }

  #opened(link: Link): void {
    if (this.#link !== link) return
    if (!this.#o.broker.has(link.seat)) return this.#lost(link, 'closed at once')
    link.open = true
    this.#attempts = 0
    this.life.effect(() => this.#sendSubscription(link, [...this.#filters]))
    this.#o.handlers.connected?.()
  }

  #sendSubscription(link: Link, filters: readonly string[]): void {
    if (filters.length > 0) this.#goUp(link, () => this.#o.broker.subscribe(link.seat, filters))
  }

  #goUp(link: Link, arrive: () => void): void {
    const { broker } = this.#o
    link.lastUpAt = Math.max(link.lastUpAt, broker.options.timeline.now + broker.delayMs(this.#dice))
    broker.options.timeline.at(link.lastUpAt, () => {
      if (broker.has(link.seat)) arrive()
    })
  }

  #comeDown(link: Link, sent: Sent, again = false): void {
    const { broker, handlers } = this.#o
    const { timeline } = broker.options
    const mayGetLost = sent.qos === 0 && !sent.retain
    if (mayGetLost && (this.#deaf || this.#dice.chance(broker.weather.loss))) return
    if (this.#deaf) return void this.#stalled.push(() => this.#comeDown(link, sent))
    const before = Math.max(link.retainedAt, link.lastDownAt.get(sent.topic) ?? 0)
    const at = Math.max(before, timeline.now + this.#lateMs + broker.delayMs(this.#dice))
    if (sent.retain) link.retainedAt = at
    else link.lastDownAt.set(sent.topic, at)
    timeline.at(at, () => {
      if (!broker.has(link.seat)) return
      if (!again) remember(this.#heard, sent)
      this.life.deliver(() => {
        if (this.#link !== link || !link.open) return
        const { topic, payload, retain } = sent
        handlers.message?.({ topic, payload, retain })
      })
    })
  }

  #break(link: Link, why: string): void {
    this.#o.broker.leave(link.seat, false)
    this.#dropped(link, why)
  }

  /** The connection is over; the client learns of it a little later. */
  #dropped(link: Link, why: string): void {
    const { broker } = this.#o
    broker.options.timeline.after(broker.delayMs(this.#dice), () =>
      this.life.deliver(() => this.#lost(link, why))
    )
  }

  #lost(link: Link, why: string): void {
    if (this.#link !== link) return
    const wasOpen = link.open
    link.open = false
    this.#link = undefined
    if (this.#closed) return
    this.#attempts += 1
    const spanMs = Math.min(2000, 100 * 2 ** Math.min(this.#attempts, 10))
    this.#tryLater((spanMs * (1 + this.life.random())) / 2)
    if (wasOpen || this.#attempts === 1) this.#o.handlers.disconnected?.(why)
  }
}

const REMEMBERED = 16

function remember(into: Sent[], sent: Sent): void {
  into.push(sent)
  if (into.length > REMEMBERED) into.shift()
}

function spoilt(sent: Sent, dice: Dice): Sent {
  const text = garbageOf(sent.text, dice)
  return { ...sent, text, payload: Buffer.from(text) }
}
