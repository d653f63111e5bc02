import { ERRORS, type ErrorCode, LocksmithError } from '../protocol/errors.ts'
import type { Output } from './output.ts'

/** Errors that other parts throw under names of their own, and the code under which a user meets each. */
const CODE_OF_NAME: Readonly<Record<string, ErrorCode>> = {
  BrokerAddressError: 'LK-6003',
  InstanceRunning: 'LK-4004',
  DiskError: 'LK-4005',
  StoreError: 'LK-7001',
  BadControllerConfig: 'LK-6004',
  CronExpressionError: 'LK-6004'
}

export function asLocksmithError(error: unknown): LocksmithError {
  if (error instanceof LocksmithError) return error
  if (!(error instanceof Error)) return new LocksmithError('LK-9001', String(error))
  const code = CODE_OF_NAME[error.name]
  return code === undefined
    ? new LocksmithError('LK-9001', error.stack ?? error.message)
    : new LocksmithError(code, error.message)
}

/** Tells what went wrong, to a person or to a script. Returns the exit code. */
export function report(thrown: unknown, out: Output): number {
  const error = asLocksmithError(thrown)
  const { code, message, hint } = error
  if (out.json) out.line({ error: { code, message, hint } })
  else out.note(`${code} ${[ERRORS[code].title, message, hint].map(sentence).join(' ')}`)
  return error.exit
}

/** Begins with a capital when it begins with a word, and ends with a full stop unless it ends in a sign of its own. */
function sentence(text: string): string {
  const trimmed = text.trim()
  const capital = /^[a-z]+ /.test(trimmed) ? trimmed.charAt(0).toUpperCase() + trimmed.slice(1) : trimmed
  return /[.!?]$/.test(capital) ? capital : `${capital}.`
}
