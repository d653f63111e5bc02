import type { PushVerdict, RefusalWhy } from '../rules/refusals.ts'

export { describe, hintOf } from './refusal-words.ts'

/**
 * Every error that a user can meet, by code. The hundreds tell where: 10 locks, 20 sessions, 30 pushes and documents, 40
 * device, 50 controller, 60 connection and command line, 70 store. A test fails if this table and what the code uses differ.
 */
export interface ErrorKind {
  /** What happened, for a heading. */
  readonly title: string
  /** What to do next. */
  readonly hint: string
  /** Exit code of a command that ends with it. */
  readonly exit: number
}

export const EXIT = {
  fine: 0,
  failed: 1,
  usage: 2,
  unreachable: 69,
  tryLater: 75,
  denied: 77,
  badConfig: 78,
  leaseLost: 124,
  /** These two as shells have them. */
  cannotRun: 126,
  notFound: 127
} as const

export const ERRORS = {
  'LK-1001': {
    title: 'The lock is not free',
    hint: 'Wait for it (--wait), or see who holds it: locksmith why LOCK',
    exit: EXIT.tryLater
  },
  'LK-1002': {
    title: 'Not a lock name',
    hint: 'Write SCOPE:RESOURCE, such as plant-2/line-4:aim or *:aim',
    exit: EXIT.usage
  },
  'LK-1003': {
    title: 'Two locks of one request conflict',
    hint: 'Ask for the wider of the two only',
    exit: EXIT.usage
  },
  'LK-1004': {
    title: 'The session holds a lock already',
    hint: 'Ask for all locks in one request, or release first',
    exit: EXIT.failed
  },
  'LK-1005': {
    title: 'An agent may lock its own device only',
    hint: 'Use push or lock for a wider scope',
    exit: EXIT.denied
  },
  'LK-1006': {
    title: 'The policy of this lock forbids it',
    hint: 'Ask the owner of the policy (mayLock) or use another name',
    exit: EXIT.denied
  },
  'LK-1007': {
    title: 'The request has ended',
    hint: 'Ask anew; a request is granted once',
    exit: EXIT.tryLater
  },
  'LK-1008': { title: 'The request belongs to another', hint: 'Use a fresh request id', exit: EXIT.denied },
  'LK-1009': {
    title: 'A late or repeated message',
    hint: 'Nothing needs to be done; ask anew if the lock is still wanted',
    exit: EXIT.tryLater
  },
  'LK-1010': {
    title: 'Locksmith is not ready to grant',
    hint: 'Try again after the time named; it has just started, or a quiet time is running',
    exit: EXIT.tryLater
  },
  'LK-1011': {
    title: 'The fence is old',
    hint: 'The grant that it names has ended; nothing was done',
    exit: EXIT.failed
  },
  'LK-1012': {
    title: 'The lock is not held under that fence',
    hint: 'Take the lock first: locksmith lock LOCK',
    exit: EXIT.failed
  },
  'LK-1013': {
    title: 'The lock does not cover what is to be changed',
    hint: 'Hold a lock of the same resource on the same or a wider scope',
    exit: EXIT.failed
  },
  'LK-1014': { title: 'A reason is missing', hint: 'Add --reason "why"', exit: EXIT.usage },
  'LK-1016': {
    title: 'The lease is lost',
    hint: "The lock may be another's by now; stop, and begin anew",
    exit: EXIT.leaseLost
  },
  'LK-1017': {
    title: 'The policy has fewer slots than one request asks for',
    hint: 'Ask for fewer devices at a time, or have slots raised',
    exit: EXIT.denied
  },
  'LK-1018': {
    title: 'An operator asks for the lock',
    hint: 'Finish and release it before the time named: it is cleared then',
    exit: EXIT.leaseLost
  },
  'LK-2001': { title: 'The session is unknown', hint: 'Say hello again', exit: EXIT.tryLater },
  'LK-2002': {
    title: 'A newer session took this identity',
    hint: 'Two agents run under one name: stop one of them',
    exit: EXIT.denied
  },
  'LK-2003': { title: 'The session has no lease', hint: 'Send a heartbeat first', exit: EXIT.tryLater },
  'LK-2004': {
    title: 'An unbelievable fence was claimed',
    hint: 'The speaker is broken or hostile; look at its state',
    exit: EXIT.denied
  },
  'LK-2005': {
    title: 'The identity is taken by another device',
    hint: 'Give each device a name of its own',
    exit: EXIT.denied
  },
  'LK-2006': {
    title: 'A message could not be understood',
    hint: 'See the sentence for the place; both ends should run the same version',
    exit: EXIT.failed
  },
  'LK-2007': {
    title: 'The answer is too large for one message',
    hint: 'Ask for pages (query with "after"), as this version of the command line does',
    exit: EXIT.failed
  },
  'LK-3001': {
    title: 'Another push of this resource is under way',
    hint: 'Wait for it to end, or take it back: locksmith withdraw PUSH --reason TEXT',
    exit: EXIT.tryLater
  },
  'LK-3002': { title: 'The push is unknown', hint: 'It ended, or was never accepted', exit: EXIT.failed },
  'LK-3003': {
    title: 'No device lies below the scope',
    hint: 'See locksmith status for the paths of the devices',
    exit: EXIT.failed
  },
  'LK-3004': {
    title: 'The document does not parse',
    hint: 'It must be TOML; see the line and column',
    exit: EXIT.failed
  },
  'LK-3005': {
    title: 'The document breaks its schema',
    hint: 'See src/samples for a valid one',
    exit: EXIT.failed
  },
  'LK-3006': {
    title: 'The version does not grow',
    hint: 'Give the document a higher version than the device has',
    exit: EXIT.failed
  },
  'LK-3007': {
    title: 'The resource is unknown',
    hint: 'Use one of those, or name it among resources in the configuration of locksmith serve',
    exit: EXIT.failed
  },
  'LK-3008': {
    title: 'The push was withdrawn',
    hint: 'Its lock ended, or somebody took it back, before this device was served; push again',
    exit: EXIT.tryLater
  },
  'LK-3009': {
    title: 'The document is not what was sent',
    hint: 'The digest differs; push again',
    exit: EXIT.failed
  },
  'LK-3010': {
    title: 'The device cannot be reached',
    hint: 'locksmith why DEVICE tells when it was last heard',
    exit: EXIT.failed
  },
  'LK-3011': {
    title: 'The push is not done yet',
    hint: 'It goes on without this command; locksmith withdraw PUSH --reason TEXT takes it back',
    exit: EXIT.tryLater
  },
  'LK-3012': {
    title: 'The device does not answer',
    hint: 'It is in contact: look at its log, restart its agent and push again',
    exit: EXIT.failed
  },
  'LK-4001': {
    title: 'The update was rolled back',
    hint: 'The device has its old configuration; see the reason and push again',
    exit: EXIT.failed
  },
  'LK-4002': {
    title: 'The configuration is unverified',
    hint: 'The device stays paused; locksmith why DEVICE says what would help',
    exit: EXIT.failed
  },
  'LK-4003': {
    title: 'The pause budget does not suffice',
    hint: 'Let the device move until it does, or give its profile a larger pauseBudget; then push again',
    exit: EXIT.failed
  },
  'LK-4004': {
    title: 'Another agent of this device is running',
    hint: 'Stop the one named, or give this one another device',
    exit: EXIT.badConfig
  },
  'LK-4005': {
    title: 'The disk refused',
    hint: 'See the sentence: free space, or mend the permissions',
    exit: EXIT.failed
  },
  'LK-5001': {
    title: 'The controller cannot be reached',
    hint: 'Check cable, port and baud rate',
    exit: EXIT.failed
  },
  'LK-5002': {
    title: 'The controller refused',
    hint: 'See the reason; PROTOCOL.md explains each',
    exit: EXIT.failed
  },
  'LK-5003': {
    title: 'Standstill was not proved in time',
    hint: 'Look at the machine: something may still move',
    exit: EXIT.failed
  },
  'LK-6001': {
    title: 'The broker cannot be reached',
    hint: 'Check --broker and that the broker runs',
    exit: EXIT.unreachable
  },
  'LK-6002': {
    title: 'Locksmith does not answer',
    hint: 'Check that locksmith serve runs for this fleet',
    exit: EXIT.unreachable
  },
  'LK-6003': { title: 'Wrong usage', hint: 'See locksmith VERB --help', exit: EXIT.usage },
  'LK-6004': {
    title: 'The configuration is bad',
    hint: 'Mend the line named and start again',
    exit: EXIT.badConfig
  },
  'LK-6005': {
    title: 'The port is in use',
    hint: 'Stop the other program, or choose another port',
    exit: EXIT.badConfig
  },
  'LK-6006': {
    title: 'The emulated controllers could not be started',
    hint: 'See the reason; they need a checkout and /dev/pts',
    exit: EXIT.failed
  },
  'LK-6007': {
    title: 'There is no such command',
    hint: 'Check its name, PATH, the working folder, and the interpreter in the first line of a script',
    exit: EXIT.notFound
  },
  'LK-6008': {
    title: 'The command could not be run',
    hint: 'See the reason: make it executable (chmod +x), or name a program instead of a folder',
    exit: EXIT.cannotRun
  },
  'LK-7001': {
    title: 'The database cannot be used',
    hint: 'Restore it from a backup, or move it away to begin anew (fences go on from the fence file)',
    exit: EXIT.badConfig
  },
  'LK-7002': {
    title: 'The store refused a write',
    hint: 'Free the disk, or make it writable; nothing was granted meanwhile',
    exit: EXIT.failed
  },
  'LK-7003': {
    title: 'Another Locksmith has taken this fleet over',
    hint: 'Run one Locksmith per fleet: stop the other and start this one again, or give them fleets of their own',
    exit: EXIT.badConfig
  },
  'LK-7004': {
    title: 'Another process uses the store',
    hint: 'Stop it first, or give this Locksmith a store and a fleet of its own',
    exit: EXIT.badConfig
  },
  'LK-9001': {
    title: 'Something unforeseen happened',
    hint: 'Please report it with the log around it',
    exit: EXIT.failed
  }
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof ERRORS

/** An error that a user meets: a code, a sentence, and what to do next. */
export class LocksmithError extends Error {
  readonly code: ErrorCode
  readonly hint: string

  constructor(code: ErrorCode, message: string, hint: string = ERRORS[code].hint) {
    super(message)
    this.name = 'LocksmithError'
    this.code = code
    this.hint = hint
  }

  get exit(): number {
    return ERRORS[this.code].exit
  }
}

/** What the rules say of a device of a push; what a device says of itself is a code already. */
export const CODE_OF_VERDICT: Readonly<Record<PushVerdict, ErrorCode>> = {
  unreachable: 'LK-3010',
  silent: 'LK-3012',
  'push-withdrawn': 'LK-3008'
}

export const CODE_OF: Readonly<Record<RefusalWhy, ErrorCode>> = {
  busy: 'LK-1001',
  'bad-lock-name': 'LK-1002',
  'unknown-resource': 'LK-3007',
  'own-locks-conflict': 'LK-1003',
  'holds-already': 'LK-1004',
  'outside-own-device': 'LK-1005',
  'forbidden-by-policy': 'LK-1006',
  'request-ended': 'LK-1007',
  'request-of-another': 'LK-1008',
  'stale-message': 'LK-1009',
  'not-ready': 'LK-1010',
  'old-fence': 'LK-1011',
  'lock-not-held': 'LK-1012',
  'lock-does-not-cover': 'LK-1013',
  'reason-missing': 'LK-1014',
  'more-than-slots': 'LK-1017',
  'budget-too-small': 'LK-4003',
  'unknown-session': 'LK-2001',
  'session-replaced': 'LK-2002',
  'no-lease': 'LK-2003',
  'unbelievable-fence': 'LK-2004',
  'identity-taken': 'LK-2005',
  'push-under-way': 'LK-3001',
  'push-unknown': 'LK-3002',
  'no-devices': 'LK-3003'
}
