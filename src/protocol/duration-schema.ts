import * as z from 'zod'
import { DURATION_FORM, parseDuration } from './duration.ts'

/** For configuration files: the text of a duration, read as milliseconds. */
export const duration = z.string().transform((text, context) => {
  const ms = parseDuration(text)
  if (ms !== undefined) return ms
  context.addIssue({ code: 'custom', message: `"${text}" is no duration; ${DURATION_FORM}` })
  return z.NEVER
})
