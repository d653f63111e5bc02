/** Scopes, devices and lock names: `plant-2/line-4/arm-7`, `*`, `plant-2:aim`. */

export interface LockPath {
  readonly scope: string
  readonly resource: string
}

/** The whole fleet. */
export const WHOLE_FLEET = '*'

const SEGMENT = /^[a-z0-9][a-z0-9._-]{0,62}$/
const MAX_SEGMENTS = 8

/** One segment of a path; also the form of a resource's, a principal's and a fleet's name. */
export const isName = (text: string): boolean => SEGMENT.test(text)

export function isDevicePath(text: string): boolean {
  const segments = text.split('/')
  return segments.length <= MAX_SEGMENTS && segments.every(isName)
}

export const isScope = (text: string): boolean => text === WHOLE_FLEET || isDevicePath(text)

/** The last segment: a device's name, unique in its fleet. */
export const deviceName = (device: string): string => device.slice(device.lastIndexOf('/') + 1)

/** `scope:resource` taken apart; undefined when it is not a lock name. */
export function parseLock(name: string): LockPath | undefined {
  const colon = name.indexOf(':')
  if (colon < 0) return undefined
  const scope = name.slice(0, colon)
  const resource = name.slice(colon + 1)
  return isScope(scope) && isName(resource) ? { scope, resource } : undefined
}

export const lockName = ({ scope, resource }: LockPath): string => `${scope}:${resource}`

/** Every scope that covers this one, itself included, widest first. */
export function scopesAbove(scope: string): string[] {
  if (scope === WHOLE_FLEET) return [WHOLE_FLEET]
  const above = [WHOLE_FLEET]
  for (let slash = scope.indexOf('/'); slash >= 0; slash = scope.indexOf('/', slash + 1)) {
    above.push(scope.slice(0, slash))
  }
  above.push(scope)
  return above
}

/** The names of the locks that cover this one, itself included, widest first. */
export function locksAbove(lock: string): string[] {
  const colon = lock.indexOf(':')
  return scopesAbove(lock.slice(0, colon)).map((scope) => scope + lock.slice(colon))
}

/** Whether everything below `inner` lies below `outer` too. */
export const covers = (outer: string, inner: string): boolean =>
  outer === WHOLE_FLEET || outer === inner || inner.startsWith(`${outer}/`)

export const overlap = (a: string, b: string): boolean => covers(a, b) || covers(b, a)

/** A set of scopes that answers in at most nine look-ups whether one of them overlaps a given scope. */
export class ScopeSet {
  readonly #members = new Set<string>()
  readonly #above = new Set<string>()

  add(scope: string): void {
    this.#members.add(scope)
    for (const outer of scopesAbove(scope)) this.#above.add(outer)
  }

  overlaps(scope: string): boolean {
    return this.#above.has(scope) || scopesAbove(scope).some((outer) => this.#members.has(outer))
  }
}
