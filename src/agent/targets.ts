import type { Controller, Stored } from '../../firmware-bridge/drivers/controller.ts'
import type { Document } from '../protocol/document.ts'
import { LocksmithError } from '../protocol/errors.ts'

/** One controller's part of a document: every parameter of the resource that it has. */
export interface Target {
  readonly controller: Controller
  readonly values: Readonly<Record<string, number>>
}

/**
 * The controllers that a document is for, each with its part.
 * @throws LocksmithError LK-3007 (no controller has the resource), LK-5001 (one was never reached), LK-5002 (a value would be refused)
 */
export function targetsOf(controllers: readonly Controller[], document: Document): readonly Target[] {
  for (const { name, connected } of controllers) {
    if (!connected) throw new LocksmithError('LK-5001', `controller ${name} cannot be reached`)
  }
  const { resource, values } = document
  const targets = controllers
    .filter((controller) => Object.keys(controller.parameters[resource] ?? {}).length > 0)
    .map((controller) => partOf(controller, document))
  if (targets.length === 0) {
    throw new LocksmithError('LK-3007', `no controller of this device has a resource "${resource}"`)
  }
  const unused = Object.keys(values).find((name) => !targets.some((target) => name in target.values))
  if (unused !== undefined) {
    throw new LocksmithError('LK-5002', `no controller of this device has a parameter ${resource}.${unused}`)
  }
  return targets
}

function partOf(controller: Controller, { resource, values }: Document): Target {
  const part: Record<string, number> = {}
  for (const [name, { min, max }] of Object.entries(controller.parameters[resource] ?? {})) {
    const value = values[name]
    if (value === undefined) {
      throw new LocksmithError(
        'LK-5002',
        `controller ${controller.name} needs ${resource}.${name}, which the document lacks`
      )
    }
    if (!(value >= min && value <= max)) {
      throw new LocksmithError(
        'LK-5002',
        `${resource}.${name} is ${value}; controller ${controller.name} takes ${min} to ${max}`
      )
    }
    part[name] = value
  }
  return { controller, values: part }
}

/** Controllers keep values as 32-bit floating point: equal is what is equal there. */
export const matches = (stored: Stored, values: Readonly<Record<string, number>>): boolean =>
  Object.entries(stored.values).every(([name, value]) => {
    const wanted = values[name]
    return wanted !== undefined && Math.fround(wanted) === Math.fround(value)
  })
