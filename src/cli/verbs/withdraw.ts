import { EXIT } from '../../protocol/errors.ts'
import { asReason, clientOptions } from '../common-options.ts'
import { required } from '../options.ts'
import { defineVerb } from '../verb.ts'

export const verb = defineVerb({
  name: 'withdraw',
  summary: 'Take a push back that has not ended',
  usage: 'PUSH --reason TEXT [options]',
  about:
    'Nobody else is served, and devices that have not begun do not begin. One that is in the middle of the change finishes or rolls back by itself; its answer is still recorded. The id of a push is told by push, and by whatever the push stands in the way of.',
  options: {
    reason: required(
      { placeholder: 'TEXT', help: 'why, in at most 500 characters; it is audited and told to the sender' },
      asReason
    ),
    ...clientOptions
  },
  examples: ['locksmith withdraw 4f1c09d27ab3 --reason "arm-7 hangs since the power cut"'],
  exits: [EXIT.failed, EXIT.unreachable],
  positionals: { least: 1, most: 1, what: 'the id of the push' },
  run: async ({ values, positionals, context: { out } }) => {
    const [push = ''] = positionals
    const { withFleet } = await import('../connect.ts')
    const { makeId } = await import('../../client/index.ts')
    const reply = await withFleet('withdraw', values, ({ connection, random }) => {
      const request = { op: 'withdraw', id: makeId(random), push, reason: values.reason } as const
      return connection.call(request, 'withdrawn')
    })
    const { resultOf } = await import('../run-push.ts')
    const { ok: _ok, ...result } = resultOf(push, reply)
    out.data({ operation: reply.id, outcome: reply.outcome, ...result })
    const { renderPush } = await import('../render-push.ts')
    const said = {
      withdrawn: `push ${push} is withdrawn`,
      'already-ended': `push ${push} had ended already (${reply.state})`
    }
    out.print(`${renderPush(resultOf(push, reply), out.colour)}\n${said[reply.outcome]}`)
    return EXIT.fine
  }
})
