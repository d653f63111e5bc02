import { EXIT } from '../../protocol/errors.ts'
import type { CommandOptions } from '../../simulation/index.ts'
import { jsonOption } from '../common-options.ts'
import { loadOptionalPart } from '../optional-part.ts'
import { asText, countBetween, flag, optional, withFallback } from '../options.ts'
import { defineVerb } from '../verb.ts'

export const verb = defineVerb({
  name: 'simulate',
  summary: 'Run the real code on a virtual clock with faults, and check its promises',
  usage: '[options]',
  about:
    'A violation prints the command that repeats it. With --mutant a known mistake is planted, which has to be found.',
  options: {
    seeds: withFallback(
      { placeholder: 'N', help: 'how many runs; 1 with --seed', fallback: '20' },
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
  run: async ({ values, sources, context: { out, stop } }) => {
    type Part = { runSimulation: (options: CommandOptions) => Promise<number> }
    const { runSimulation } = await loadOptionalPart<Part>('simulation')
    const { seed, minutes, mutant, report } = values
    // A seed is named to see one run again.
    const seeds = seed !== undefined && sources.seeds !== 'flag' ? 1 : values.seeds
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
