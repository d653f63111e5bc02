import { EXIT } from '../../protocol/errors.ts'
import { isScope } from '../../rules/scope.ts'
import { usageError } from '../arguments.ts'
import { clientOptions } from '../common-options.ts'
import { asDuration, countBetween, flag, required, withFallback } from '../options.ts'
import { defineVerb } from '../verb.ts'

function asScope(text: string): string {
  if (isScope(text)) return text
  throw new Error(
    `"${text}" is no scope or device; write a path such as plant-2/line-4, a device's name, or "*"`
  )
}

export const verb = defineVerb({
  name: 'push',
  summary: 'Bring a configuration document to devices',
  usage: 'FILE --to SCOPE|DEVICE [options]',
  about:
    'Rolling unless told otherwise: each device takes its own lock and pauses when its turn comes. With --together this process holds one lock over all of them: nobody is served before everybody in contact stands still. A rolling push goes on without this command. One that is withdrawn ends like one that failed on a device, with 1.',
  options: {
    to: required(
      { placeholder: 'SCOPE|DEVICE', help: 'path of a scope or device, or a device name' },
      asScope
    ),
    together: flag('all stand still under one lock while they are changed'),
    'at-once': withFallback(
      { placeholder: 'N', help: 'this many devices at a time', fallback: '1' },
      countBetween(1, 1000)
    ),
    wait: withFallback(
      { placeholder: '10m', help: 'give up waiting for lock, turn and devices after this', fallback: '10m' },
      asDuration
    ),
    ...clientOptions
  },
  examples: [
    'locksmith push aim.toml --to plant-2/line-4',
    'locksmith push safety.toml --to "*" --together --at-once 2 --as orchestrator'
  ],
  exits: [EXIT.failed, EXIT.unreachable, EXIT.tryLater, EXIT.denied, EXIT.leaseLost],
  positionals: { least: 1, most: 1, what: 'the file with the document' },
  run: async ({ values, positionals, context }) => {
    const [file = ''] = positionals
    const { readDocument } = await import('../read-document.ts')
    const document = readDocument(file)
    const { withFleet } = await import('../connect.ts')
    const { runPush } = await import('../run-push.ts')
    const { out, stop } = context
    if (values['at-once'] < 1) throw usageError('--at-once must be at least 1', 'push')
    const result = await withFleet('push', values, (fleet) =>
      runPush(fleet, {
        document,
        to: values.to,
        together: values.together,
        atOnce: values['at-once'],
        waitMs: values.wait,
        stop,
        note: out.note
      })
    )
    out.data(result)
    const { renderPush } = await import('../render-push.ts')
    out.print(renderPush(result, out.colour))
    return result.ok ? EXIT.fine : EXIT.failed
  }
})
