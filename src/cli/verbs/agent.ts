import { EXIT } from '../../protocol/errors.ts'
import { STEPS, type Step } from '../../rules/change.ts'
import { asPath, brokerOptions, jsonOption } from '../common-options.ts'
import { optional, required } from '../options.ts'
import { defineVerb } from '../verb.ts'

function asStep(text: string): Step {
  const step = STEPS.find((one) => one === text)
  if (step !== undefined) return step
  throw new Error(`"${text}" is no step; steps are ${STEPS.join(', ')}`)
}

export const verb = defineVerb({
  name: 'agent',
  summary: 'Run the agent of one device',
  usage: '--config FILE [options]',
  about:
    'Logs JSON lines on stdout. Neither broker nor Locksmith nor controller has to be there: it starts safe, says what it waits for, and keeps trying. Broker and fleet are those of FILE unless typed or in the environment.',
  options: {
    config: required({ placeholder: 'FILE', help: 'agent.toml of the device' }, asPath),
    'halt-at': optional(
      { placeholder: 'STEP', help: 'for trials: stop itself (SIGSTOP) once STEP is in its journal' },
      asStep
    ),
    ...brokerOptions,
    ...jsonOption
  },
  examples: ['locksmith agent --config /etc/locksmith/agent.toml'],
  exits: [EXIT.failed, EXIT.badConfig],
  positionals: { least: 0, most: 0, what: '' },
  run: async ({ values, sources, context }) => {
    const { runAgent } = await import('../run-agent.ts')
    const typed = (option: 'broker' | 'fleet'): string | undefined =>
      sources[option] === 'flag' || sources[option] === 'environment' ? values[option] : undefined
    await runAgent({
      file: values.config,
      broker: typed('broker'),
      fleet: typed('fleet'),
      haltAt: values['halt-at'],
      env: context.env,
      stop: context.stop
    })
    return EXIT.fine
  }
})
