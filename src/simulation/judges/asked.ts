import type { LocksmithHost } from '../programs/locksmith.ts'

/** What a session said last of what it wants, as it arrived at Locksmith. */
export interface Heartbeat {
  readonly seq: number
  /** When it arrived, in the time of the world. */
  readonly at: number
  readonly asks: readonly { readonly request: string; readonly waitedMs: number; readonly over?: boolean }[]
}

export interface Message extends Omit<Heartbeat, 'at'> {
  readonly op: string
  readonly session: number
  readonly request: string
  readonly locks: readonly string[]
  readonly wait: boolean
  readonly waitedMs: number
}

interface Arrived {
  readonly seq: number
  readonly at: number
  readonly text: string
  /** Read when somebody wants to know. */
  asks?: Heartbeat['asks']
}

/** Remembers what has arrived, over all lives of Locksmith: what was overtaken says nothing. */
export class Asked {
  readonly #heartbeats = new Map<number, Arrived>()
  readonly #acquired = new Map<string, number>()
  readonly #released = new Set<string>()
  readonly #gone = new Set<number>()
  /** Since when each request has waited, as it said itself when it was heard of first. In the time of the world. */
  readonly #since = new Map<string, number>()

  constructor(locksmith: LocksmithHost, now: () => number) {
    locksmith.onRequest.push((text) => {
      if (text.startsWith('{"op":"heartbeat"')) this.#heartbeat(text, now())
      else if (text.startsWith('{"op":"acquire"')) this.#acquire(text, now())
      else if (/^{"op":"(release|goodbye)"/.test(text)) this.#stop(text)
    })
  }

  #heartbeat(text: string, at: number): void {
    const session = Number(/"session":(\d+)/.exec(text)?.[1])
    const seq = Number(/"seq":(\d+)/.exec(text)?.[1])
    if (seq > (this.#heartbeats.get(session)?.seq ?? 0)) this.#heartbeats.set(session, { seq, at, text })
  }

  #acquire(text: string, now: number): void {
    const message = parsed(text)
    if (message === undefined) return
    const { request: id, session, seq, waitedMs } = message
    // Each session of an owner counts anew.
    const key = `${session} ${id}`
    this.#acquired.set(key, Math.max(seq, this.#acquired.get(key) ?? 0))
    if (!this.#since.has(id)) this.#since.set(id, now - waitedMs)
  }

  #stop(text: string): void {
    const message = parsed(text)
    if (message?.op === 'goodbye') this.#gone.add(message.session)
    else if (message !== undefined) this.#released.add(message.request)
  }

  /** Whether the owner of a grant has said by now that it does nothing more under it. */
  hasStopped(session: number, request: string): boolean {
    if (this.#gone.has(session) || this.#released.has(request)) return true
    const { heartbeat, acquired } = this.newest(session, request)
    return (
      heartbeat !== undefined &&
      heartbeat.seq > acquired &&
      !heartbeat.asks.some((ask) => ask.request === request)
    )
  }

  /** Since when a request has waited: a message that comes late makes it seem later than it was. In the time of the world. */
  since(session: number, request: string): number | undefined {
    const first = this.#since.get(request)
    const { heartbeat } = this.newest(session, request)
    const named = heartbeat?.asks.find((ask) => ask.request === request)
    if (heartbeat === undefined || named === undefined) return first
    return Math.min(first ?? Number.POSITIVE_INFINITY, heartbeat.at - named.waitedMs)
  }

  /** Whether the newest heartbeat of a session names this request as wanted. */
  stillWants(session: number, request: string): boolean {
    const { heartbeat } = this.newest(session, request)
    return heartbeat?.asks.some((ask) => ask.request === request && ask.over !== true) ?? false
  }

  /** The newest heartbeat of a session, and the newest message that asked for this request by itself. */
  newest(session: number, request: string): { heartbeat: Heartbeat | undefined; acquired: number } {
    return { heartbeat: this.#read(session), acquired: this.#acquired.get(`${session} ${request}`) ?? 0 }
  }

  #read(session: number): Heartbeat | undefined {
    const arrived = this.#heartbeats.get(session)
    if (arrived === undefined) return undefined
    arrived.asks ??= parsed(arrived.text)?.asks ?? []
    return { ...arrived, asks: arrived.asks }
  }
}

/** Undefined for what cannot be understood: Locksmith does not understand it either. */
export function parsed(text: string): Message | undefined {
  try {
    const message = JSON.parse(text) as Message
    const numbers = [message.session, message.seq, message.waitedMs ?? 0]
    return numbers.every(Number.isFinite) ? message : undefined
  } catch {
    return undefined
  }
}
