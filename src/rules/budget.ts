import { CONTACT, type Hold, type Waiver } from './interlock.ts'
import type { Refusal } from './refusals.ts'

/**
 * How long a device may stand still, and what its owner wrote down for the time after. Standing drains the budget; motion with
 * verified configuration refills it, one to one, up to full. Times are milliseconds on the device's clock.
 */
export type Doing = 'standing' | 'moving' | 'neither'

export interface Budget {
  readonly fullMs: number
  /** As of `at`. */
  readonly leftMs: number
  readonly at: number
  /** What the device has been doing since `at`. */
  readonly doing: Doing
}

export const fullBudget = (fullMs: number, now: number): Budget => ({
  fullMs,
  leftMs: fullMs,
  at: now,
  doing: 'standing'
})

export function leftAt({ fullMs, leftMs, at, doing }: Budget, now: number): number {
  const passed = Math.max(0, now - at)
  if (doing === 'standing') return Math.max(0, leftMs - passed)
  return doing === 'moving' ? Math.min(fullMs, leftMs + passed) : leftMs
}

/** Settles what has passed, and notes what the device does from now on. */
export const doingNow = (budget: Budget, doing: Doing, now: number): Budget => ({
  ...budget,
  leftMs: leftAt(budget, now),
  at: now,
  doing
})

/** What is kept of a budget. It is written when the device begins to stand or to move, and at every tenth of the budget. */
export interface KeptBudget {
  readonly usedMs: number
  readonly at: number
  /** Names the present run of the machine: moments of another one cannot be compared. */
  readonly boot: string
  readonly doing: Doing
}

export const keptOf = (budget: Budget, boot: string): KeptBudget => ({
  usedMs: budget.fullMs - budget.leftMs,
  at: budget.at,
  boot,
  doing: budget.doing
})

/** How often the use of a budget is written while it changes: what a power cut can make forgotten. */
export const keepEveryMs = ({ fullMs }: Budget): number => Math.max(10_000, fullMs / 10)

/** Every life of the agent stands at least so long before the rule acts, so that Locksmith can be heard first. */
export const startGraceMs = (fullMs: number): number => Math.min(30_000, fullMs / 10)

/**
 * The budget of a new life. A device that stood when the old one ended has stood ever since: its controllers are latched. Over a
 * reboot nobody knows how long that was, and it counts as nothing; a mistake here makes the device stand longer, never move sooner.
 */
export function restoredBudget(
  fullMs: number,
  kept: KeptBudget | undefined,
  { now, boot }: { now: number; boot: string }
): Budget {
  if (kept === undefined) return fullBudget(fullMs, now)
  const stood = kept.boot === boot && kept.doing === 'standing' ? Math.max(0, now - kept.at) : 0
  const leftMs = Math.min(fullMs, Math.max(startGraceMs(fullMs), fullMs - kept.usedMs - stood))
  return { fullMs, leftMs, at: now, doing: 'standing' }
}

export type AfterBudget = 'stay' | 'resume' | 'manoeuvre'

/** What a controller may be able to do by itself: come home, or go down where it is. */
export type Manoeuvre = 'return' | 'land'

/** All that the rule looks at. */
export interface Plight {
  readonly afterBudget: AfterBudget
  readonly autoRestart: boolean
  readonly holds: Iterable<Hold>
  /** A change is in progress and can still go back. */
  readonly changing: boolean
  readonly leftMs: number
  /** How long a roll-back takes at most. */
  readonly rollBackMs: number
  /** What the controllers declare that they can do. */
  readonly manoeuvres: readonly Manoeuvre[]
}

export type Verdict =
  | { readonly do: 'wait' }
  | { readonly do: 'stay'; readonly why: string }
  /** The change in progress has to go back first. */
  | { readonly do: 'roll-back' }
  /** These holds, by the grants that were seen, stop the device no more. */
  | { readonly do: 'resume'; readonly waivers: readonly Waiver[] }
  | { readonly do: 'manoeuvre'; readonly how: Manoeuvre; readonly over: readonly Waiver[] }

/**
 * What is due as the budget runs out. Only `lock` and `contact` holds are overridden, and only with verified configuration; a
 * change in progress goes back early enough to have ended by then. A landing is allowed unverified, when the roll-back failed.
 */
export function afterBudget(plight: Plight): Verdict {
  const holds = [...plight.holds].filter((hold) => !hold.waived)
  if (holds.length === 0) return { do: 'wait' }
  const unable = whyUnable(plight)
  if (plight.changing && unable === undefined && plight.leftMs <= plight.rollBackMs)
    return { do: 'roll-back' }
  if (plight.leftMs > 0) return { do: 'wait' }
  if (unable !== undefined) return { do: 'stay', why: unable }
  return act(plight, holds)
}

/** Why the profile's word cannot be acted upon, whatever holds the device. */
function whyUnable({ afterBudget: word, autoRestart, manoeuvres }: Plight): string | undefined {
  if (word === 'stay') return 'the profile says stay (afterBudget)'
  if (word === 'resume' && !autoRestart)
    return 'afterBudget = "resume" needs a profile that allows an automatic restart (autoRestart)'
  if (word === 'manoeuvre' && manoeuvres.length === 0)
    return 'afterBudget = "manoeuvre", and no controller of this device declares a manoeuvre'
  return undefined
}

function act({ afterBudget: word, manoeuvres }: Plight, holds: readonly Hold[]): Verdict {
  const firm = holds.find(({ kind }) => kind === 'operator' || kind === 'controller')
  if (firm !== undefined) return { do: 'stay', why: `${firm.kind} holds it: ${firm.why}` }
  const over = holds.filter(({ kind }) => kind === 'lock' || kind === 'contact').map(waiverOf)
  const doubt = holds.find(({ kind }) => kind === 'config')
  if (word === 'manoeuvre') {
    const how = doubt === undefined ? manoeuvres[0] : manoeuvres.find((one) => one === 'land')
    if (how !== undefined) return { do: 'manoeuvre', how, over }
  }
  if (doubt !== undefined) return { do: 'stay', why: `its configuration is not verified: ${doubt.why}` }
  return { do: 'resume', waivers: over }
}

const waiverOf = ({ id, fence }: Hold): Waiver => (fence === undefined ? { id } : { id, fence })

/** Waivers that outlive a restart of the agent: a grant is the same then, and contact is not. */
export const lastingWaivers = (waivers: readonly Waiver[]): Waiver[] =>
  waivers.filter(({ id }) => id !== CONTACT)

/** What a change that wants to start has to look at. */
export interface Room {
  readonly afterBudget: AfterBudget
  readonly fullMs: number
  readonly leftMs: number
  readonly rollBackMs: number
  /** It stands already, whatever becomes of the change. */
  readonly standing: boolean
  /** Its configuration is in doubt: only a change gets it out. */
  readonly inDoubt: boolean
}

/**
 * A change starts only if its roll-back fits the pause budget that is left. A device that stands already, and that no rule
 * would set going, loses nothing by a change; nor does one that only a change can set going.
 */
export function roomFor(room: Room): Refusal | undefined {
  const { fullMs, leftMs, rollBackMs: neededMs } = room
  if (leftMs > neededMs || room.inDoubt) return undefined
  if (room.standing && room.afterBudget === 'stay') return undefined
  return {
    why: 'budget-too-small',
    leftMs,
    neededMs,
    enoughInMs: fullMs > neededMs ? neededMs - leftMs : null
  }
}
