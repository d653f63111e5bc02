import { randomInt } from 'node:crypto'
import { EXIT, LocksmithError } from '../protocol/errors.ts'
import { mutants } from './mutants/list.ts'
import { runMutant, UnknownMutant } from './mutants/run.ts'
import { type Report, runSeeds } from './seeds.ts'
import type { Violation } from './world.ts'

/** Where results, words for people and progress go. */
interface Out {
  print(text: string): void
  data(value: unknown): void
  note(text: string): void
}

export interface CommandOptions {
  readonly seeds: number
  /** The first seed; drawn unless given. A seed that is given is run alone, unless `seeds` says otherwise. */
  readonly seed: number | undefined
  /** Virtual minutes of each seed. */
  readonly minutes: number
  readonly mutant: string | undefined
  readonly listMutants: boolean
  readonly report: boolean
  readonly stop: AbortSignal
  readonly out: Out
}

/** `locksmith simulate`: resolves with the exit code, 1 when a promise was broken. @throws LocksmithError for an unknown mutant */
export async function runSimulation(options: CommandOptions): Promise<number> {
  const { out, mutant } = options
  if (options.listMutants) return listMutants(out)
  const plan = { seed: options.seed ?? randomInt(1, 2 ** 31), seeds: options.seeds, minutes: options.minutes }
  out.note(`${plan.seeds} seeds from ${plan.seed}, ${plan.minutes} virtual minutes each`)
  const report = await (mutant === undefined
    ? runSeeds(plan, options.stop)
    : runMutant(mutant, plan, options.stop).catch(asUsage))
  const { seeds, deviceHours, faults, violations, met } = report
  out.data({ seeds, deviceHours, faults, violations, ...(options.report ? { met } : {}) })
  for (const violation of violations) out.print(tell(violation))
  if (options.report) out.print(tellMet(report))
  out.print(summary(report))
  return violations.length === 0 ? EXIT.fine : EXIT.failed
}

function listMutants(out: Out): number {
  out.data(mutants.map(({ name, breaks, says }) => ({ name, breaks, says })))
  for (const { name, breaks, says } of mutants) out.print(`${name.padEnd(22)} promise ${breaks}: ${says}`)
  return EXIT.fine
}

function asUsage(error: unknown): never {
  if (!(error instanceof UnknownMutant)) throw error
  throw new LocksmithError('LK-6003', error.message, 'See locksmith simulate --list-mutants')
}

function tell({ invariant, what, seed, atMs, command, history }: Violation): string {
  const head = `promise ${invariant} is broken: ${what}`
  return [
    head,
    `seed ${seed}, after ${(atMs / 1000).toFixed(3)} virtual seconds; again with:`,
    `  ${command}`,
    'what led to it:',
    ...history.map((line) => `  ${line}`)
  ].join('\n')
}

const tellMet = ({ met }: Report): string =>
  Object.entries(met)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([fault, count]) => `${String(count).padStart(8)}  ${fault}`)
    .join('\n')

function summary({ seeds, deviceHours, faults, violations, events, seconds }: Report): string {
  const speed = `${Math.round(events / seconds)} events and ${(deviceHours / seconds).toFixed(2)} device-hours a second`
  const broken = violations.length === 0 ? 'no promise was broken' : `${violations.length} broken`
  return `${seeds} seeds, ${deviceHours.toFixed(1)} device-hours, ${faults} faults: ${broken} (${speed})`
}
