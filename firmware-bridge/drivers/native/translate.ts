import { shortestOfFloat32 } from '../../link/float32.ts'
import type { Answers, ParamValue, StatusMessage } from '../../link/messages.ts'
import { type Capabilities, ControllerRefusal, type ControllerStatus, type Stored } from '../controller.ts'

/** One parameter as the firmware declares it. */
export type Param = Answers['describe']

const resourceNames = ['aim', 'safety']
const microPerUnit = 1_000_000

/** What the firmware declares of itself: resources, parameters, abilities. */
export interface Declared {
  readonly resources: readonly string[]
  readonly params: readonly Param[]
}

export function resourceName(resource: number): string {
  return resourceNames[resource] ?? `resource-${resource}`
}

/** Throws ControllerRefusal `bad-resource` for one that the firmware does not have. */
export function resourceNumber(declared: Declared, command: string, resource: string): number {
  const number = declared.resources.indexOf(resource)
  if (number < 0) throw new ControllerRefusal(command, 'bad-resource', `it has no ${resource}`)
  return number
}

/** Throws ControllerRefusal `bad-param` for a name that the resource does not have; what is missing, the firmware tells. */
export function paramValues(
  declared: Declared,
  resource: number,
  values: Readonly<Record<string, number>>
): ParamValue[] {
  return Object.entries(values).map(([name, value]) => {
    const param = declared.params.find((it) => it.resource === resource && it.name === name)
    if (param === undefined) throw new ControllerRefusal('stage', 'bad-param', `it has no ${name}`)
    return { param: param.param, value }
  })
}

export function storedOf(declared: Declared, answer: Answers['read']): Stored {
  const named = answer.values.map(({ param, value }): [string, number] => {
    const name = declared.params.find((it) => it.param === param)?.name ?? `param-${param}`
    return [name, shortestOfFloat32(value)]
  })
  return {
    resource: resourceName(answer.resource),
    values: Object.fromEntries(named),
    version: answer.version,
    fence: answer.fence,
    floor: answer.floor,
    verified: !answer.unverified
  }
}

export function statusOf(declared: Declared, message: StatusMessage): ControllerStatus {
  const named = (bits: number) => declared.resources.filter((_, number) => (bits & (1 << number)) !== 0)
  return {
    paused: message.paused,
    pauseId: message.pauseId,
    motion: message.motion,
    position: message.positionMicro / microPerUnit,
    speed: message.speedMicro / microPerUnit,
    unverified: named(message.unverifiedBits),
    staged: named(message.stagedBits),
    hostSilent: message.hostSilent,
    rebooted: message.booted,
    storageFault: message.storageFault
  }
}

export function capabilitiesOf(bits: number): Capabilities {
  const has = (bit: number) => (bits & (1 << bit)) !== 0
  return {
    fence: has(0),
    deadline: has(1),
    readback: has(2),
    staged: has(3),
    hostSilenceStop: has(4),
    standstillProof: has(5),
    rollback: has(6),
    manoeuvres: []
  }
}

/** Resource → parameter → range. */
export function rangesOf(declared: Declared): Record<string, Record<string, { min: number; max: number }>> {
  const rangesIn = (resource: number) =>
    declared.params
      .filter((it) => it.resource === resource)
      .map(({ name, min, max }): [string, { min: number; max: number }] => [
        name,
        { min: shortestOfFloat32(min), max: shortestOfFloat32(max) }
      ])
  return Object.fromEntries(
    declared.resources.map((name, number) => [name, Object.fromEntries(rangesIn(number))])
  )
}

/** Whether pause id `id` is `than` or was drawn after it; ids are compared modulo 2^32. */
export function isSameOrNewerPause(id: number, than: number): boolean {
  return ((id - than) | 0) >= 0
}
