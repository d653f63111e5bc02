import { EXIT } from '../../protocol/errors.ts'
import { jsonOption } from '../common-options.ts'
import { loadOptionalPart } from '../optional-part.ts'
import { asText, countBetween, flag, optional, withFallback } from '../options.ts'
import type { Output } from '../output.ts'
import { defineVerb } from '../verb.ts'

/** What the simulator is handed. It resolves with the exit code. */
export interface SimulateOptions {
  readonly seeds: number
  /** The first seed; a random one unless given. */
  readonly seed: number | undefined
  /** Virtual minutes of each seed. */
  readonly minutes: number
  readonly mutant: string | undefined
  readonly listMutants: boolean
  readonly report: boolean
  readonly stop: AbortSignal
  readonly out: Output
}

export const verb = defineVerb({
  name: 'simulate',
  summary: 'Run the real code on a virtual clock with faults, and check its promises',
  usage: '[options]',
  about:
    'A violation prints the command that repeats it. With --mutant a known mistake is planted, which has to be found.',
  options: {
    seeds: withFallback(
      { placeholder: 'N', help: 'how many runs', fallback: '20' },
      countBetween(1, 1_000_000)
    ),
    seed: optional(
      { placeholder: 'S', help: 'the first seed, to repeat a run' },
      countBetween(0, Number.MAX_SAFE_INTEGER)
    ),
    minutes: withFallback(
      { placeholder: 'M', help: 'virtual minutes of each run', fallback: '10' },
      countBetween(1, 100_000)
    ),
    mutant: optional({ placeholder: 'NAME', help: 'plant this mistake' }, asText),
    'list-mutants': flag('list the mistakes that can be planted'),
    report: flag('tell how often each fault met each state'),
    ...jsonOption
  },
  examples: ['locksmith simulate --seeds 100', 'locksmith simulate --mutant no-fencing'],
  exits: [EXIT.failed],
  positionals: { least: 0, most: 0, what: '' },
  run: async ({ values, context: { out, stop } }) => {
    type Part = { runSimulation: (options: SimulateOptions) => Promise<number> }
    const { runSimulation } = await loadOptionalPart<Part>('simulation')
    const { seeds, seed, minutes, mutant, report } = values
    return runSimulation({
      seeds,
      seed,
      minutes,
      mutant,
      report,
      listMutants: values['list-mutants'],
      stop,
      out
    })
  }
})
