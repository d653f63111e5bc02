import type { Limited } from '../platform/limited-log.ts'

/** Events of the log that anybody on the broker can cause as often as he likes. HOT is none of them: none of it is left out. */
export const FROM_OUTSIDE: Limited = {
  'bad-request': ({ from }) => from,
  'bad-state': ({ device }) => device,
  oversized: ({ topic }) => topic,
  'unbelievable-fence': ({ from }) => from
}
