import type { ConnectBroker, Message, PublishOptions, Will } from '../platform/broker.ts'
import type { Clock } from '../platform/clock.ts'
import type { ReplyOf, WireBlocker, WireReply, WireRequest } from '../protocol/messages.ts'
import type { Topics } from '../protocol/topics.ts'
import type { LockFence, SessionKind } from '../rules/fleet.ts'

/** One connection of one principal to its fleet's broker: it builds topics, matches replies to calls, and bounds every wait. */
export interface FleetConnection {
  readonly principal: string
  readonly topics: Topics
  readonly connected: boolean
  readonly publish: (topic: string, payload: unknown, options?: PublishOptions) => boolean
  readonly subscribe: (filters: readonly string[]) => void
  /** Sends a request of this principal; false when there is no connection. */
  readonly send: (request: WireRequest) => boolean
  /** Repeats a request until a reply with this id is heard. Rejects LK-6001 (no broker) or LK-6002 (no Locksmith) after `timeoutMs`, or with the refusal. */
  readonly call: <Op extends WireReply['op']>(
    request: WireRequest & { id: string },
    op: Op,
    timeoutMs?: number
  ) => Promise<ReplyOf<Op>>
  /** Each returns the function that takes the handler away again. */
  readonly onReply: (handler: (reply: WireReply) => void) => () => void
  readonly onMessage: (handler: (message: Message) => void) => () => void
  readonly onConnected: (handler: () => void) => () => void
  readonly onDisconnected: (handler: (why: string) => void) => () => void
  readonly close: () => Promise<void>
}

export interface ConnectionOptions {
  readonly connect: ConnectBroker
  readonly clock: Clock
  readonly fleet: string
  readonly principal: string
  /** Stable for an agent, fresh for each run of a command. */
  readonly clientId: string
  readonly will?: Will
  /** Round trip of one call. Milliseconds; 5000 unless given. */
  readonly timeoutMs?: number
  readonly refused?: (filter: string, why: string) => void
  readonly oversized?: (topic: string, bytes: number) => void
}

/** What a heartbeat tells of its sender besides its requests. */
export interface HeartbeatFacts {
  /** Highest fence that the sender and its controllers know to have been granted. */
  readonly knownFence: number
  /** Whether every controller enforces fence and deadline; undefined while unknown. */
  readonly enforces?: boolean
  /** Locks under which standstill is proved. */
  readonly standing: readonly LockFence[]
}

/** A heartbeat reply together with the moment at which its heartbeat was sent: what its lease counts from. */
export interface Truth {
  readonly reply: ReplyOf<'heartbeat'>
  readonly sentAt: number
}

export interface SessionOptions {
  readonly kind: SessionKind
  /** Path of an agent's device; null for others. */
  readonly device: string | null
  readonly boot: string
  readonly connection: FleetConnection
  readonly clock: Clock
  /** In [0, 1). For jitter and ids. */
  readonly random: () => number
  readonly facts?: () => HeartbeatFacts
  /** Every heartbeat reply whose lease had not run out when it was read, renewing (`leaseMs` > 0) or not. */
  readonly onTruth?: (truth: Truth) => void
  /** Contact begins (first renewing reply), or ends: `why` says by what, for people. */
  readonly onContact?: (contact: boolean, why: string) => void
  /** For people: what an operator asks of this owner, or has done to its locks while it was away. */
  readonly onNews?: (news: readonly string[]) => void
  /** A newer session took this identity, or another lasting refusal. */
  readonly onTrouble?: (code: string, message: string) => void
}

export interface Ask {
  readonly locks: readonly string[]
  readonly reason?: string
  /** False: granted at once or rejected with LK-1001. True: wait until granted or `signal` aborts. */
  readonly wait: boolean
  readonly phase?: string
  readonly signal?: AbortSignal
  readonly onQueued?: (place: number, blockers: readonly WireBlocker[]) => void
}

/** Locks that are held. It is lost for good when `lost` aborts; then nothing new may be begun under it. */
export interface Grant {
  readonly request: string
  readonly locks: readonly LockFence[]
  /** Aborts with the reason (a LocksmithError) when the lease runs out, the lock is cleared or taken, or the session ends. */
  readonly lost: AbortSignal
  /** Aborts with the reason (LK-1018) when an operator asks the owner to finish by itself before the lock is cleared. */
  readonly asked: AbortSignal
  /** Milliseconds in which a step may still be begun; 0 when lost. Judged at each call, so it is right also after a stall or SIGSTOP. */
  readonly leftMs: () => number
  readonly fence: (lock: string) => number
  /** What the owner is doing, shown to everybody at the next heartbeat. */
  readonly setPhase: (phase: string) => void
  /** Says that the present step has ended and nothing more is done. Resolves when confirmed; bounded; never rejects. */
  readonly release: () => Promise<void>
}

export interface RequestOptions {
  /** One lease, and no less than 5000, unless given: an answer may be late by as much on a line that still counts as contact. */
  readonly timeoutMs?: number
  /** Nothing is sent once this grant is lost, judged anew before each sending: also by a process that was stopped and wakes. */
  readonly under?: Grant | undefined
}

/** One life of an agent, or one run of a command, in its fleet. It says hello, keeps its lease, and asks again by itself. */
export interface FleetSession {
  readonly name: string
  /** Locksmith's number; undefined before the first hello. */
  readonly session: number | undefined
  /** Lease left; 0 without contact. */
  readonly leaseLeftMs: () => number
  /** Resolves at the first contact; rejects LK-6001 or LK-6002 after `timeoutMs`. */
  readonly contact: (timeoutMs: number) => Promise<void>
  readonly acquire: (ask: Ask) => Promise<Grant>
  /** Sends a heartbeat now and resolves with its reply; rejects LK-6001/LK-6002 when none comes within `timeoutMs`. */
  readonly refresh: (timeoutMs?: number) => Promise<Truth>
  /** Sends a numbered request of this session and repeats it until it is answered, refused or its time has passed. */
  readonly request: <Op extends 'push' | 'noted'>(
    build: (session: number, seq: number) => WireRequest,
    op: Op,
    options?: RequestOptions
  ) => Promise<ReplyOf<Op>>
  /** Releases everything, says goodbye (not for agents), stops the heartbeat. Bounded. */
  readonly close: () => Promise<void>
}
