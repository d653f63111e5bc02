import { EXIT, LocksmithError } from '../../protocol/errors.ts'
import { asPath, brokerOptions } from '../common-options.ts'
import { asText, optional, required } from '../options.ts'
import { defineVerb } from '../verb.ts'

export const verb = defineVerb({
  name: 'agent',
  summary: 'Run the agent of one device',
  usage: '--config FILE [options]',
  about:
    'Logs JSON lines on stdout. Neither broker nor Locksmith nor controller has to be there: it starts safe, says what it waits for, and keeps trying.',
  options: {
    config: required({ placeholder: 'FILE', help: 'agent.toml of the device' }, asPath),
    'halt-at': optional(
      { placeholder: 'STEP', help: 'for trials: stop itself (SIGSTOP) once STEP is in its journal' },
      asText
    ),
    ...brokerOptions
  },
  examples: ['locksmith agent --config /etc/locksmith/agent.toml'],
  exits: [EXIT.failed, EXIT.badConfig],
  positionals: { least: 0, most: 0, what: '' },
  run: async () => {
    throw new LocksmithError('LK-9001', 'not wired')
  }
})
