import { usageError } from './arguments.ts'
import { asLock, asReason, clientOptions } from './common-options.ts'
import { asDuration, durationBetween, flag, optional } from './options.ts'

/** Options of the verbs that hold locks: `lock` and `exec`. */
export const lockOptions = {
  reason: optional(
    { placeholder: 'TEXT', help: 'why, in at most 500 characters; everybody who waits can read it' },
    asReason
  ),
  for: optional(
    { placeholder: '60s', help: 'hold it no longer than this' },
    durationBetween(1, 24 * 3_600_000)
  ),
  'no-wait': flag('give up at once when it is not free'),
  wait: optional(
    { placeholder: '10m', help: 'give up after this; without it, wait as long as it takes' },
    asDuration
  ),
  'wait-paused': flag('go on only when every device below that can be reached stands still'),
  ...clientOptions
}

/** Lock names from the command line. Throws usage errors in words of the verb. */
export function locksFrom(verb: string, texts: readonly string[]): readonly string[] {
  return texts.map((text) => {
    try {
      return asLock(text)
    } catch (error) {
      throw usageError((error as Error).message, verb)
    }
  })
}

export function refuseContradiction(
  verb: string,
  values: { 'no-wait': boolean; wait: number | undefined }
): void {
  if (values['no-wait'] && values.wait !== undefined)
    throw usageError('--no-wait and --wait contradict each other', verb)
}
