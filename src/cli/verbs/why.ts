import { formatDuration } from '../../protocol/duration.ts'
import { EXIT, LocksmithError } from '../../protocol/errors.ts'
import type { WhyView } from '../answers.ts'
import { clientOptions } from '../common-options.ts'
import type { Output } from '../output.ts'
import { defineVerb } from '../verb.ts'
import { freed, heard, ownerName } from '../words.ts'

export const verb = defineVerb({
  name: 'why',
  summary: 'Tell why a device stands still or a lock is not free, and what would change it',
  usage: 'DEVICE|LOCK [options]',
  about: 'DEVICE is the path of a device or its name alone.',
  options: clientOptions,
  examples: ['locksmith why arm-7', 'locksmith why "*:aim"'],
  exits: [EXIT.failed, EXIT.unreachable],
  positionals: { least: 1, most: 1, what: 'the device or lock to explain' },
  run: async ({ values, positionals, context: { out } }) => {
    const { withFleet } = await import('../connect.ts')
    const { readWhy } = await import('../answers.ts')
    const answer = await withFleet('why', values, (fleet) => fleet.query('why', positionals[0]))
    if (answer === null) throw new LocksmithError('LK-3003', `nothing is known of "${positionals[0]}"`)
    out.data(answer)
    if (!out.json) show(readWhy(answer), out)
    return EXIT.fine
  }
})

function show({ subject, moving, chain, bypass }: WhyView, out: Output): void {
  const { bold, dim } = out.colour
  out.print(`${bold(subject)} ${verdict(moving, chain.length)}`)
  for (const [index, link] of chain.entries()) {
    const what = link.lock === null ? link.hold : `${link.hold} ${link.lock}`
    out.print(`${index + 1}. ${bold(what)}${link.owner === null ? '' : ` of ${ownerName(link.owner)}`}`)
    if (link.why !== undefined && link.why !== '') out.print(`   ${link.why}`)
    const since = link.sinceMs === null ? [] : [`since ${formatDuration(link.sinceMs)}`]
    const owned = link.owner === null ? [] : [heard(link.lastHeardMs)]
    if (since.length + owned.length > 0) out.print(dim(`   ${[...since, ...owned].join(', ')}`))
    if (link.freedBy !== null) out.print(`   ends by: ${freed(link.freedBy)}`)
  }
  if (bypass !== null) out.print(`To end it now: ${bypass}`)
}

function verdict(moving: boolean | null, reasons: number): string {
  if (moving === true) return reasons === 0 ? 'is running; nothing holds it' : 'is running all the same'
  if (moving === false) return reasons === 0 ? 'stands still, and no reason is known' : 'stands still:'
  return reasons === 0 ? 'is free' : 'is not free:'
}
