import { EXIT } from '../../protocol/errors.ts'
import type { CommandOptions } from '../../simulation/index.ts'
import { jsonOption } from '../common-options.ts'
import { loadOptionalPart } from '../optional-part.ts'
import { asText, countBetween, flag, optional, withFallback } from '../options.ts'
import { defineVerb } from '../verb.ts'

/** `3,17`, or `none`. */
function asNumbers(text: string): readonly number[] {
  if (text === 'none') return []
  const numbers = text.split(',').map(Number)
  if (!numbers.every((number) => Number.isInteger(number) && number > 0))
    throw new Error('is no list of numbers, such as 3,17, and not "none"')
  return numbers
}

export const verb = defineVerb({
  name: 'simulate',
  summary: 'Run the real code on a virtual clock with faults, and check its promises',
  usage: '[options]',
  about:
    'A violation prints the command that repeats it. With --mutant a known mistake is planted, which has to be found.',
  options: {
    seeds: withFallback(
      { placeholder: 'N', help: 'how many runs; 1 with --seed, no limit with --minutes', fallback: '20' },
      countBetween(1, 1_000_000)
    ),
    seed: optional(
      { placeholder: 'S', help: 'the first seed, to repeat a run' },
      countBetween(0, Number.MAX_SAFE_INTEGER)
    ),
    minutes: optional(
      { placeholder: 'M', help: 'hunt for so many minutes of real time' },
      countBetween(1, 100_000)
    ),
    'run-minutes': withFallback(
      { placeholder: 'V', help: 'virtual minutes of each run', fallback: '10' },
      countBetween(1, 100_000)
    ),
    devices: optional({ placeholder: 'N', help: 'a fleet of this size' }, countBetween(1, 1000)),
    mutant: optional({ placeholder: 'NAME', help: 'plant this mistake' }, asText),
    world: optional({ placeholder: 'NAME', help: 'the world that every seed plays in' }, asText),
    only: optional({ placeholder: 'LIST', help: 'of the faults of a seed only these' }, asNumbers),
    jobs: optional({ placeholder: 'N', help: 'so many processes; one per core' }, countBetween(1, 64)),
    all: flag('go on after a violation'),
    'list-mutants': flag('list the mistakes that can be planted'),
    report: flag('tell how often each fault met each state'),
    ...jsonOption
  },
  examples: [
    'locksmith simulate --seeds 100',
    'locksmith simulate --minutes 60 --all --report',
    'locksmith simulate --mutant no-fencing'
  ],
  exits: [EXIT.failed],
  positionals: { least: 0, most: 0, what: '' },
  run: async ({ values, sources, context: { out, stop } }) => {
    type Part = { runSimulation: (options: CommandOptions) => Promise<number> }
    const { runSimulation } = await loadOptionalPart<Part>('simulation')
    const { seed, minutes, mutant, report, devices, all, world, jobs } = values
    const unlimited = minutes === undefined ? values.seeds : undefined
    // A seed is named to see one run again.
    const one = seed !== undefined && minutes === undefined ? 1 : unlimited
    const seeds = sources.seeds === 'flag' ? values.seeds : one
    return runSimulation({
      seeds,
      seed,
      minutes,
      runMinutes: values['run-minutes'],
      devices,
      world,
      only: values.only,
      jobs,
      all,
      mutant,
      report,
      listMutants: values['list-mutants'],
      stop,
      out
    })
  }
})
