import type { AgentOutcome, LockFence } from './fleet.ts'

/**
 * A change of one resource on one device, as its journal tells it. An entry is written before its step is taken, so after a
 * crash the last entry names a step that may have been taken or not; what the controllers and the file say decides.
 */

/** The named steps, in order. `agent --halt-at STEP` stops just after STEP is in the journal, before it is taken. */
export const STEPS = [
  'validate',
  'acquire',
  'hold',
  'pause',
  'stage',
  'commit',
  'write',
  'verify',
  'release'
] as const
export type Step = (typeof STEPS)[number]

export interface Change {
  /** The push that asked for it. */
  readonly push: string
  readonly resource: string
  readonly version: number
  readonly digest: string
  /** The bytes as pushed. */
  readonly document: string
  readonly by: string
  /** The wide lock of a push together; null when the device locks itself. */
  readonly under: LockFence | null
  /** The last verified configuration; null when there was none. */
  readonly previous: { readonly version: number; readonly digest: string } | null
}

export interface Failure {
  readonly code: string
  readonly why: string
}

/** What the pusher is told; kept until Locksmith has noted it. */
export interface Outcome {
  readonly push: string
  readonly outcome: AgentOutcome
  readonly code: string | null
  readonly detail: string
  readonly version: number | null
}

export type Ending = 'applied' | 'refused' | 'rolled-back' | 'unverified' | 'put-off'

export type Entry =
  | { readonly entry: 'step'; readonly step: 'validate'; readonly change: Change }
  | { readonly entry: 'step'; readonly step: 'hold'; readonly lock: string; readonly fence: number }
  | { readonly entry: 'step'; readonly step: 'stage'; readonly controllers: readonly string[] }
  | { readonly entry: 'step'; readonly step: Exclude<Step, 'validate' | 'hold' | 'stage'> }
  /** The change goes back; why. */
  | ({ readonly entry: 'failed' } & Failure)
  | { readonly entry: 'end'; readonly ending: Ending; readonly why: string; readonly outcome: Outcome | null }
  /** An unverified change came to a defined end after all. */
  | { readonly entry: 'resolved'; readonly resource: string; readonly how: 'rolled-back' | 'rolled-forward' }
  /** Locksmith has noted the outcome of this push. */
  | { readonly entry: 'noted'; readonly push: string }
  /** Only in a trimmed journal: what is still owed. */
  | { readonly entry: 'owed'; readonly outcome: Outcome }
  | { readonly entry: 'unverified'; readonly change: OpenChange; readonly why: string }

/** A change that has begun and not come to its end. */
export interface OpenChange {
  readonly change: Change
  readonly step: Step
  /** 0 before the lock was had. */
  readonly fence: number
  /** Those that were staged. */
  readonly controllers: readonly string[]
  readonly failure: Failure | null
  /** The line after the last step could not be read: the next step may have been taken too. */
  readonly torn: boolean
}

export interface JournalState {
  readonly open: OpenChange | null
  /** By resource: changes of which nobody knows whether they hold. The device stays paused. */
  readonly unverified: ReadonlyMap<string, { readonly change: OpenChange; readonly why: string }>
  readonly owed: ReadonlyMap<string, Outcome>
}

export const emptyJournal: JournalState = { open: null, unverified: new Map(), owed: new Map() }

/** `undefined`: a line that could not be read. */
export function replay(state: JournalState, entry: Entry | undefined): JournalState {
  const { open } = state
  if (entry === undefined) return open === null ? state : { ...state, open: { ...open, torn: true } }
  switch (entry.entry) {
    case 'step':
      return { ...state, open: takeStep(open, entry) }
    case 'failed':
      return open === null
        ? state
        : { ...state, open: { ...open, failure: { code: entry.code, why: entry.why } } }
    case 'end':
      return end(state, entry)
    case 'resolved':
      return { ...state, unverified: without(state.unverified, entry.resource) }
    case 'noted':
      return { ...state, owed: without(state.owed, entry.push) }
    case 'owed':
      return { ...state, owed: new Map(state.owed).set(entry.outcome.push, entry.outcome) }
    case 'unverified':
      return { ...state, unverified: withUnverified(state, entry.change, entry.why) }
  }
}

/** A step that follows tells that the line before it named an earlier one. */
function takeStep(open: OpenChange | null, entry: Extract<Entry, { entry: 'step' }>): OpenChange | null {
  if (entry.step === 'validate') {
    return { change: entry.change, step: 'validate', fence: 0, controllers: [], failure: null, torn: false }
  }
  if (open === null) return null
  const next = { ...open, step: entry.step, torn: false }
  if (entry.step === 'hold') return { ...next, fence: entry.fence }
  return entry.step === 'stage' ? { ...next, controllers: entry.controllers } : next
}

function end(state: JournalState, entry: Extract<Entry, { entry: 'end' }>): JournalState {
  const { open } = state
  const owed =
    entry.outcome === null ? state.owed : new Map(state.owed).set(entry.outcome.push, entry.outcome)
  if (open === null) return { ...state, owed }
  const { resource } = open.change
  const unverified =
    entry.ending === 'unverified'
      ? withUnverified(state, open, entry.why)
      : entry.ending === 'applied'
        ? without(state.unverified, resource)
        : state.unverified
  return { open: null, owed, unverified }
}

const withUnverified = (state: JournalState, change: OpenChange, why: string): JournalState['unverified'] =>
  new Map(state.unverified).set(change.change.resource, { change, why })

function without<V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> {
  const rest = new Map(map)
  rest.delete(key)
  return rest
}

/** The shortest journal that says the same, when no change is open. */
export function trimmed(state: JournalState): readonly Entry[] {
  return [
    ...[...state.unverified.values()].map(({ change, why }): Entry => ({ entry: 'unverified', change, why })),
    ...[...state.owed.values()].map((outcome): Entry => ({ entry: 'owed', outcome }))
  ]
}

/** What one controller says of the resource now; undefined when it cannot be asked. */
export interface ControllerFact {
  readonly name: string
  readonly stored:
    | {
        readonly version: number
        readonly fence: number
        readonly verified: boolean
        /** Its values are those of the new document. */
        readonly matches: boolean
      }
    | undefined
}

export interface Facts {
  readonly controllers: readonly ControllerFact[]
  /** Which content the file has, by digest. */
  readonly file: 'old' | 'new' | 'other'
}

export interface Recovery {
  readonly outcome: 'nothing' | 'roll-forward' | 'roll-back' | 'unverified'
  readonly why: string
  /** Controllers whose commit is to be confirmed, or rolled back. */
  readonly confirm: readonly string[]
  readonly rollBack: readonly string[]
  /** The file is to be replaced: by the new content, or by the old. */
  readonly file: 'keep' | 'write-new' | 'restore-old'
  /** Controllers that have to be heard before more can be said. */
  readonly awaits: readonly string[]
}

/** `spoilt`: committed, with other values than the document's. */
type Standing = 'away' | 'untouched' | 'committed' | 'spoilt' | 'verified' | 'strange'

/** How far the change may have come, as an index of STEPS. */
const reached = ({ step, torn }: OpenChange): number => STEPS.indexOf(step) + (torn ? 1 : 0)

const isVerified = ({ step, torn }: OpenChange): boolean => step === 'release' && !torn

/** Whether the controllers have to be asked before anything can be said. */
export const needsFacts = (open: OpenChange): boolean =>
  reached(open) >= STEPS.indexOf('commit') && !isVerified(open)

/**
 * What to do with a change that was cut off, or has failed: exactly one of the four. A commit that no controller has verified
 * goes back, which needs no lock; one that any has verified cannot go back, so the others go forward.
 */
export function recover(open: OpenChange | null, facts: Facts): Recovery {
  if (open === null) return verdict('nothing', 'no change was under way')
  if (isVerified(open)) return verdict('roll-forward', 'the change had been verified')
  if (reached(open) < STEPS.indexOf('hold')) return verdict('nothing', 'the change had touched nothing')
  if (!needsFacts(open)) return verdict('roll-back', 'nothing had been committed')
  const standings = facts.controllers.map((fact) => ({ name: fact.name, standing: standingOf(open, fact) }))
  const named = (wanted: Standing): string[] =>
    standings.filter(({ standing }) => standing === wanted).map(({ name }) => name)
  return decide({ open, file: facts.file, named })
}

interface Weighing {
  readonly open: OpenChange
  readonly file: Facts['file']
  readonly named: (wanted: Standing) => string[]
}

function decide({ open, file, named }: Weighing): Recovery {
  const { version, previous } = open.change
  const away = named('away')
  if (away.length > 0) {
    const why = `${away.join(', ')} cannot be asked what it has stored; it is asked again as soon as it answers`
    return { ...verdict('unverified', why), awaits: away }
  }
  const strange = named('strange')
  if (strange.length > 0) {
    return verdict(
      'unverified',
      `${strange.join(', ')} has neither the old nor the new configuration; push a newer version`
    )
  }
  const verified = named('verified')
  const untouched = [...named('untouched'), ...named('spoilt')]
  if (verified.length > 0 && untouched.length > 0) {
    const why = `${verified.join(', ')} has version ${version} for good, ${untouched.join(', ')} has not; push a newer version`
    return verdict('unverified', why)
  }
  if (verified.length > 0) {
    const forward = verdict('roll-forward', `version ${version} had been verified by ${verified.join(', ')}`)
    return { ...forward, confirm: named('committed'), file: file === 'new' ? 'keep' : 'write-new' }
  }
  const back = verdict('roll-back', `version ${version} had not been verified by any controller`)
  const restore = file === 'old' || (file === 'other' && previous === null) ? 'keep' : 'restore-old'
  return { ...back, rollBack: [...named('committed'), ...named('spoilt')], file: restore }
}

function standingOf({ change, fence }: OpenChange, { stored }: ControllerFact): Standing {
  if (stored === undefined) return 'away'
  if (stored.fence > fence) return 'strange'
  const here = stored.fence === fence && stored.version === change.version
  if (!here) return stored.verified ? 'untouched' : 'strange'
  if (!stored.verified) return stored.matches ? 'committed' : 'spoilt'
  return stored.matches ? 'verified' : 'strange'
}

const verdict = (outcome: Recovery['outcome'], why: string): Recovery => ({
  outcome,
  why,
  confirm: [],
  rollBack: [],
  file: 'keep',
  awaits: []
})
