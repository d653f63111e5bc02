import { randomInt } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { EXIT, LocksmithError } from '../protocol/errors.ts'
import { allPairs, type PairCounts } from './faults/pairs.ts'
import { FAULT_NAMES } from './faults/table.ts'
import { hunt } from './hunt.ts'
import { mutants } from './mutants/list.ts'
import { runMutant, UnknownMutant } from './mutants/run.ts'
import type { Report, SeedResult, Tally } from './seeds.ts'
import type { Violation } from './world.ts'
import { WORLD_NAMES } from './worlds.ts'

/** Where results, words for people and progress go. */
interface Out {
  print(text: string): void
  data(value: unknown): void
  note(text: string): void
}

export interface CommandOptions {
  /** How many runs at most; as many as the time allows when it is undefined. */
  readonly seeds: number | undefined
  /** The first seed; drawn unless given. */
  readonly seed: number | undefined
  /** Real minutes of the whole hunt; no further run is begun after them. */
  readonly minutes: number | undefined
  /** Virtual minutes of each run. */
  readonly runMinutes: number
  readonly devices: number | undefined
  /** One of the worlds; drawn for each seed unless given. */
  readonly world: string | undefined
  /** Of the faults of a seed only these, by their numbers. */
  readonly only: readonly number[] | undefined
  /** How many processes run seeds; one per core unless given. */
  readonly jobs: number | undefined
  readonly mutant: string | undefined
  /** Go on after a violation. */
  readonly all: boolean
  readonly listMutants: boolean
  readonly report: boolean
  readonly stop: AbortSignal
  readonly out: Out
}

/** `locksmith simulate`: resolves with the exit code, 1 when a promise was broken. @throws LocksmithError for an unknown mutant */
export async function runSimulation(options: CommandOptions): Promise<number> {
  const { out, mutant, minutes } = options
  if (options.listMutants) return listMutants(out)
  requireWorld(options.world)
  const plan = {
    seed: options.seed ?? randomInt(1, 2 ** 31),
    seeds: options.seeds ?? Number.MAX_SAFE_INTEGER,
    minutes: options.runMinutes,
    devices: options.devices,
    world: options.world,
    only: options.only,
    all: options.all,
    shrink: true,
    wallMs: minutes === undefined ? undefined : minutes * 60_000
  }
  const runs = options.seeds === undefined ? 'seeds' : `${options.seeds} seeds`
  const time = minutes === undefined ? '' : `, for ${minutes} min`
  out.note(`${runs} from ${plan.seed}, ${plan.minutes} virtual minutes each${time}`)
  const report = await (mutant === undefined
    ? hunt(plan, { jobs: options.jobs ?? availableParallelism(), stop: options.stop, ended: teller(out) })
    : runMutant(mutant, plan, options.stop).catch(asUsage))
  const { seeds, deviceHours, faults, violations } = report
  out.data({ seeds, deviceHours, faults, violations, ...(options.report ? pairsOf(report) : {}) })
  for (const violation of violations) out.print(tell(violation))
  if (options.report) out.print(tellPairs(report.pairs))
  out.print(summary(report))
  return violations.length === 0 ? EXIT.fine : EXIT.failed
}

function listMutants(out: Out): number {
  out.data(mutants.map(({ name, breaks, says }) => ({ name, breaks, says })))
  for (const { name, breaks, says } of mutants)
    out.print(`${name.padEnd(28)} promise ${breaks.join(' or ')}: ${says}`)
  return EXIT.fine
}

function requireWorld(world: string | undefined): void {
  if (world === undefined || WORLD_NAMES.includes(world)) return
  throw new LocksmithError('LK-6003', `there is no world "${world}"`, `There are: ${WORLD_NAMES.join(', ')}`)
}

function asUsage(error: unknown): never {
  if (!(error instanceof UnknownMutant)) throw error
  throw new LocksmithError('LK-6003', error.message, 'See locksmith simulate --list-mutants')
}

const TELL_EVERY_MS = 60_000

/** Says each violation when it is found, and now and then how far the hunt has come. */
function teller(out: Out): (result: SeedResult, sofar: Tally) => void {
  let toldAtMs = 0
  return ({ seed, violation }, sofar) => {
    if (violation !== undefined) out.note(`seed ${seed}: promise ${violation.invariant}: ${violation.what}`)
    if (sofar.passedMs < toldAtMs + TELL_EVERY_MS) return
    toldAtMs = sofar.passedMs
    out.note(`${Math.round(toldAtMs / 60_000)} min: ${summary(sofar.report)}`)
  }
}

function tell({ invariant, what, seed, atMs, command, history, shrunk }: Violation): string {
  const head = `promise ${invariant} is broken: ${what}`
  const few = shrunk?.faults.map(({ number, fault, victim }) => `  ${number}: ${fault} (${victim})`) ?? []
  return [
    head,
    `seed ${seed}, after ${(atMs / 1000).toFixed(3)} virtual seconds; again with:`,
    `  ${command}`,
    ...(shrunk === undefined
      ? []
      : [`of ${shrunk.from} faults these are enough:`, ...few, `  ${shrunk.command}`]),
    'what led to it:',
    ...history.map((line) => `  ${line}`)
  ].join('\n')
}

function pairsOf({ pairs }: Report) {
  const all = allPairs(pairs, FAULT_NAMES)
  return {
    pairs: all,
    never: all.filter(({ count }) => count === 0).map(({ state, fault }) => ({ state, fault }))
  }
}

/** One line per state: how often each fault met it, the rarest first, and what never did. */
function tellPairs(counts: PairCounts): string {
  const all = allPairs(counts, FAULT_NAMES)
  const never = all.filter(({ count }) => count === 0)
  const few = all.filter(({ count }) => count > 0 && count < ENOUGH)
  const lines = all.map(({ state, fault, count }) => `${String(count).padStart(8)}  ${state} × ${fault}`)
  return [
    ...lines,
    `${all.length} pairs: ${all.length - few.length - never.length} met ${ENOUGH} times or more, ${few.length} less often, ${never.length} never`,
    ...never.map(({ state, fault }) => `   never  ${state} × ${fault}`)
  ].join('\n')
}

/** So often a pair is to be met in a long hunt. */
const ENOUGH = 100

function summary({ seeds, deviceHours, faults, violations, events, seconds }: Report): string {
  const speed = `${Math.round(events / seconds)} events and ${(deviceHours / seconds).toFixed(2)} device-hours a second`
  const broken = violations.length === 0 ? 'no promise was broken' : `${violations.length} broken`
  return `${seeds} seeds, ${deviceHours.toFixed(1)} device-hours, ${faults} faults: ${broken} (${speed})`
}
