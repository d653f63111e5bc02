import type { DemoOptions } from '../../demo/index.ts'
import { EXIT } from '../../protocol/errors.ts'
import { jsonOption } from '../common-options.ts'
import { loadOptionalPart } from '../optional-part.ts'
import { countBetween, flag, optional } from '../options.ts'
import { defineVerb } from '../verb.ts'

export const verb = defineVerb({
  name: 'demo',
  summary: 'Show a fleet of eight emulated devices survive the ghost of node-7',
  usage: '[options]',
  about:
    'Embedded broker, Locksmith, eight devices as processes, each with its emulated controller. Alive until Ctrl-C; every verb works against it from another terminal.',
  options: {
    once: flag('play the whole story by itself, check every step, and end'),
    port: optional(
      { placeholder: 'N', help: 'port of the embedded broker; a free one unless given' },
      countBetween(1, 65_535)
    ),
    keep: flag('leave the folder of logs and traces also when all went well'),
    ...jsonOption
  },
  examples: ['locksmith demo', 'locksmith demo --once --json'],
  exits: [EXIT.failed, EXIT.badConfig],
  positionals: { least: 0, most: 0, what: '' },
  run: async ({ values, context: { out, stop } }) => {
    const { runDemo } = await loadOptionalPart<{ runDemo: (options: DemoOptions) => Promise<number> }>('demo')
    return runDemo({ once: values.once, port: values.port, keep: values.keep, stop, out })
  }
})
