import {
  ControllerRefusal,
  ControllerUnreachable,
  StandstillUnproved
} from '../../firmware-bridge/drivers/controller.ts'
import { DiskError } from '../platform/durable-file.ts'
import { LocksmithError } from '../protocol/errors.ts'
import type { Failure } from '../rules/change.ts'

/** Whatever was thrown, as a code and a sentence. */
export function failureOf(error: unknown): Failure {
  const why = error instanceof Error ? error.message : String(error)
  return { code: codeOf(error), why }
}

function codeOf(error: unknown): string {
  if (error instanceof LocksmithError) return error.code
  if (error instanceof StandstillUnproved) return 'LK-5003'
  if (error instanceof ControllerRefusal) return codeOfRefusal(error.reason)
  if (error instanceof ControllerUnreachable) return 'LK-5001'
  if (error instanceof DiskError) return 'LK-4005'
  return 'LK-9001'
}

/** A controller that calls a stage late has watched the lease's end by itself. */
function codeOfRefusal(reason: string): string {
  if (reason === 'late') return 'LK-1016'
  return reason === 'not-standing' ? 'LK-5003' : 'LK-5002'
}
