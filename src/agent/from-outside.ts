import type { Limited } from '../platform/limited-log.ts'

/** Events of the log that anybody on the broker can cause as often as he likes. */
export const FROM_OUTSIDE: Limited = {
  'record-malformed': ({ lock }) => lock,
  'update-refused': ({ resource, code }) => `${resource} ${code}`,
  'outcome-refused': ({ code }) => code,
  'state-corrected': () => 'state',
  oversized: ({ topic }) => topic
}
