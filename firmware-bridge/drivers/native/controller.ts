import type { Line, Timers } from '../../link/line.ts'
import type { Requests } from '../../link/messages.ts'
import {
  type Capabilities,
  type Controller,
  type ControllerEvents,
  type ControllerStatus,
  ControllerUnreachable,
  type Counters,
  type PauseReason,
  type StageRequest,
  type Stored
} from '../controller.ts'
import * as commands from './commands.ts'
import { Connection } from './connection.ts'
import type { Session } from './session.ts'
import { rangesOf, resourceNumber, statusOf } from './translate.ts'

export interface NativeOptions {
  readonly name: string
  /** A new line at each call; a line is never opened twice. */
  readonly line: () => Line
  readonly timers: Timers
  readonly baudRate: number
  /** The controller acts when it has heard nothing for so long; 0 = never. At most 65,535. */
  readonly silenceMs: number
  /** What a running controller does then: stop, or run on. */
  readonly onSilence: 'stop' | 'continue'
  /** From 0 to below 1. */
  readonly random: () => number
}

const pauseMs = 10_000
/** A heartbeat keeps silence from being noticed late at this end too: with all repeats, within 3.3 s. */
const longestBeatMs = 500

/** The driver of controllers that speak PROTOCOL.md. */
export function createNativeController(options: NativeOptions): Controller {
  return new NativeController(options)
}

class NativeController implements Controller {
  readonly name: string
  readonly #timers: Timers
  readonly #connection: Connection

  constructor(options: NativeOptions) {
    this.name = options.name
    this.#timers = options.timers
    const thirdMs = options.silenceMs === 0 ? longestBeatMs : options.silenceMs / 3
    this.#connection = new Connection({ ...options, beatMs: Math.min(longestBeatMs, thirdMs) })
  }

  get capabilities(): Capabilities | undefined {
    return this.#connection.greeting?.capabilities
  }

  get connected(): boolean {
    return this.#connection.session !== undefined
  }

  get status(): ControllerStatus | undefined {
    const session = this.#connection.session
    return session?.status && statusOf(session.greeting.declared, session.status)
  }

  get counters(): Counters {
    return { ...this.#connection.counts }
  }

  get parameters(): Controller['parameters'] {
    const greeting = this.#connection.greeting
    return greeting === undefined ? {} : rangesOf(greeting.declared)
  }

  open(events: ControllerEvents): void {
    this.#connection.open(events)
  }

  async pause(why: PauseReason, withinMs = pauseMs): Promise<ControllerStatus> {
    const session = this.#session('pause')
    const proved = commands.pause(session, why, { timers: this.#timers, withinMs })
    const late = Promise.withResolvers<never>()
    const timer = this.#timers.after(withinMs, () => late.reject(commands.unproved(session, withinMs)))
    const proof = await Promise.race([proved, late.promise]).finally(() => timer.cancel())
    return statusOf(session.greeting.declared, proof)
  }

  async resume(): Promise<void> {
    await commands.resume(this.#session('resume'), this.#timers)
  }

  async stage(request: StageRequest): Promise<void> {
    await commands.stage(this.#session('stage'), request)
  }

  async commit(resource: string, fence: number): Promise<boolean> {
    return (await this.#fenced('commit', resource, fence)).already
  }

  async read(resource: string): Promise<Stored> {
    return commands.read(this.#session('read'), resource)
  }

  async confirm(resource: string, fence: number): Promise<void> {
    await this.#fenced('confirm', resource, fence)
  }

  async rollback(resource: string, fence: number): Promise<void> {
    await this.#fenced('rollback', resource, fence)
  }

  async discard(resource: string): Promise<void> {
    const session = this.#session('discard')
    await commands.order(session, 'discard', { resource: this.#number(session, 'discard', resource) })
  }

  async setFloor(resource: string, floor: number): Promise<void> {
    const session = this.#session('floor')
    await commands.order(session, 'floor', { resource: this.#number(session, 'floor', resource), floor })
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  #fenced<N extends 'commit' | 'confirm' | 'rollback'>(name: N, resource: string, fence: number) {
    const session = this.#session(name)
    const request: Requests['commit'] = { resource: this.#number(session, name, resource), fence }
    return commands.order(session, name, request as Requests[N])
  }

  #number(session: Session, command: string, resource: string): number {
    return resourceNumber(session.greeting.declared, command, resource)
  }

  #session(command: string): Session {
    const { session, why } = this.#connection
    if (session === undefined) throw new ControllerUnreachable(`${command} was not sent: ${why}`)
    return session
  }
}
