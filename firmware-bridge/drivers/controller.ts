/** The one face that every controller shows to the agent, whatever its protocol. Drivers live beside this file. */

export type Motion = 'standstill' | 'moving' | 'decelerating'

/** What this controller enforces by itself. What it cannot do is declared here and answered by the rules, never pretended. */
export interface Capabilities {
  /** Refuses writes under a fence older than one that it has seen. */
  readonly fence: boolean
  /** Discards a staged set by itself when its deadline has passed. */
  readonly deadline: boolean
  /** Parameters are read back from what would survive a reset. */
  readonly readback: boolean
  readonly staged: boolean
  readonly rollback: boolean
  /** Stops by itself when the host falls silent (if so configured). */
  readonly hostSilenceStop: boolean
  /** Proves standstill, rather than acknowledging the command to stop. */
  readonly standstillProof: boolean
  /** What it can do by itself to get itself to safety, the preferred one first; most can do none. */
  readonly manoeuvres: readonly Manoeuvre[]
}

export type Manoeuvre = 'return' | 'land'

/** A quantity that the stored configuration limits, as it is now. */
export interface Measured {
  readonly what: string
  readonly value: number
  readonly min: number
  readonly max: number
  readonly unit: string
}

export interface ControllerStatus {
  readonly paused: boolean
  readonly pauseId: number
  readonly motion: Motion
  /** In units of the axis (degrees, millimetres). */
  readonly position: number
  readonly speed: number
  /** Resources whose last commit awaits confirmation. */
  readonly unverified: readonly string[]
  readonly staged: readonly string[]
  readonly hostSilent: boolean
  /** No host has said hello since the controller's reset: it was (re)started. */
  readonly rebooted: boolean
  readonly storageFault: boolean
  /** Told by a controller that knows position and speed in the units of its limits. */
  readonly measured?: readonly Measured[]
}

/** What is in force and would survive a reset. */
export interface Stored {
  readonly resource: string
  readonly values: Readonly<Record<string, number>>
  readonly version: number
  /** The high-water: the largest fence ever committed; 0 = never. */
  readonly fence: number
  readonly floor: number
  readonly verified: boolean
}

export interface StageRequest {
  readonly resource: string
  readonly values: Readonly<Record<string, number>>
  readonly version: number
  readonly fence: number
  /**
   * What is not committed this many milliseconds after the present moment is discarded by the controller itself. The driver
   * repeats the pause first and counts from the controller's timestamp in that acknowledgement, so it is early by the time
   * on the wire and never late. Read at that moment, because a lease shrinks while one waits.
   */
  readonly leaseLeftMs: () => number
}

export interface Counters {
  readonly framesSent: number
  readonly framesReceived: number
  readonly badFrames: number
  readonly repeats: number
  readonly reconnects: number
}

/** Why a controller said no; `reason` as in PROTOCOL.md in lower case with hyphens (`old-fence`). */
export class ControllerRefusal extends Error {
  readonly reason: string
  /** `detail`: more words, when the driver itself refused what cannot be sent. */
  constructor(command: string, reason: string, detail?: string) {
    super(`controller refused ${command}: ${reason}${detail === undefined ? '' : ` (${detail})`}`)
    this.name = 'ControllerRefusal'
    this.reason = reason
  }
}

/**
 * The pause is latched, but the actuators were not proved to stand still in time. A refusal with the reason
 * `not-standing`, as everything that needs standstill would be refused.
 */
export class StandstillUnproved extends ControllerRefusal {
  constructor(withinMs: number, last: ControllerStatus | undefined) {
    super('pause', 'not-standing')
    this.name = 'StandstillUnproved'
    const seen =
      last === undefined ? 'no status was heard' : `last seen ${last.motion} at speed ${last.speed}`
    this.message = `standstill was not proved within ${withinMs} ms: ${seen}`
  }
}

/** The line is silent, closed, or lost in mid-request: the outcome of the request is unknown. */
export class ControllerUnreachable extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ControllerUnreachable'
  }
}

export interface ControllerEvents {
  /** The line is up and hello was answered; floors have to be told and the latch looked at again. */
  connected?: () => void
  /** The line is down or silent. Reconnection goes on by itself, with backoff. */
  disconnected?: (why: string) => void
  /** Every status heard, asked for or not. */
  status?: (status: ControllerStatus) => void
}

/**
 * Every promise here settles within a bounded time, also when the controller is dead; it rejects with ControllerRefusal or
 * ControllerUnreachable.
 */
export interface Controller {
  readonly name: string
  /** Known after the first hello. */
  readonly capabilities: Capabilities | undefined
  readonly connected: boolean
  /** Last status heard on the present link. */
  readonly status: ControllerStatus | undefined
  readonly counters: Counters
  /** Resources and the ranges of their parameters, known after the first hello. */
  readonly parameters: Readonly<
    Record<string, Readonly<Record<string, { readonly min: number; readonly max: number }>>>
  >
  /** Starts connecting; events follow. */
  open(events: ControllerEvents): void
  /** Latches the pause and resolves with the status in which standstill was *proved*; rejects with StandstillUnproved when it was not within `withinMs`. */
  pause(why: PauseReason, withinMs?: number): Promise<ControllerStatus>
  /** Undoes just the pause whose id the last status carries, on the present link. Resolves once the latch is seen open. */
  resume(): Promise<void>
  /** Resolves when it has been carried out and the device stands. Only where `manoeuvres` names it. */
  manoeuvre?(how: Manoeuvre): Promise<void>
  stage(request: StageRequest): Promise<void>
  /** Resolves with true when that fence had been committed before (nothing changed). */
  commit(resource: string, fence: number): Promise<boolean>
  /** Reads what would survive a reset. */
  read(resource: string): Promise<Stored>
  /** Marks the commit of that fence as verified. */
  confirm(resource: string, fence: number): Promise<void>
  rollback(resource: string, fence: number): Promise<void>
  discard(resource: string): Promise<void>
  /** Tells the smallest fence still good for the resource. */
  setFloor(resource: string, floor: number): Promise<void>
  close(): Promise<void>
}

export type PauseReason = 'lock' | 'config' | 'contact' | 'operator' | 'other'
