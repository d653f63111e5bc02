import { isName, isScope, type LockPath, lockName, parseLock, scopesAbove } from '../rules/scope.ts'

/** Builds and parses every topic; nobody else writes one by hand. */

const VERSION = 'locksmith/1'
const FLEET = '[a-z0-9][a-z0-9._-]{0,62}'

export type Topic =
  | { readonly kind: 'request'; readonly principal: string }
  | { readonly kind: 'reply'; readonly principal: string }
  | { readonly kind: 'lock'; readonly lock: string }
  | { readonly kind: 'update'; readonly device: string; readonly resource: string }
  | { readonly kind: 'agent'; readonly device: string }
  | { readonly kind: 'status' }
  | { readonly kind: 'audit' }
  | { readonly kind: 'sentinel'; readonly nonce: string }

export interface Topics {
  readonly request: (principal: string) => string
  readonly reply: (principal: string) => string
  readonly lock: (lock: string) => string
  readonly update: (deviceName: string, resource: string) => string
  readonly agent: (deviceName: string) => string
  readonly status: string
  readonly audit: string
  /** A topic of Locksmith's own: MQTT marks no end of retained messages, so what arrives here after them does. */
  readonly sentinel: (nonce: string) => string
  readonly allRequests: string
  readonly allLocks: string
  readonly allAgents: string
  readonly allUpdates: string
  /** The filters of the locks that may cover a device. */
  readonly locksAbove: (device: string) => readonly string[]
  readonly updatesFor: (deviceName: string) => string
  /** What a topic of this fleet means; undefined when it is none of ours. */
  readonly parse: (topic: string) => Topic | undefined
}

const scopeLevel = (scope: string): string => scope.replaceAll('/', '~')
const scopeOfLevel = (level: string): string => level.replaceAll('~', '/')

export function topicsOf(fleet: string): Topics {
  if (!new RegExp(`^${FLEET}$`).test(fleet)) throw new Error(`not a fleet name: ${fleet}`)
  const root = `${VERSION}/${fleet}`
  const lock = (name: string): string => {
    const path = parseLock(name) as LockPath
    return `${root}/lock/${scopeLevel(path.scope)}/${path.resource}`
  }
  return {
    request: (principal) => `${root}/req/${principal}`,
    reply: (principal) => `${root}/rep/${principal}`,
    lock,
    update: (device, resource) => `${root}/update/${device}/${resource}`,
    agent: (device) => `${root}/agent/${device}`,
    status: `${root}/status`,
    audit: `${root}/audit`,
    sentinel: (nonce) => `${root}/status/sentinel/${nonce}`,
    allRequests: `${root}/req/+`,
    allLocks: `${root}/lock/+/+`,
    allAgents: `${root}/agent/+`,
    allUpdates: `${root}/update/+/+`,
    locksAbove: (device) => scopesAbove(device).map((scope) => `${root}/lock/${scopeLevel(scope)}/+`),
    updatesFor: (device) => `${root}/update/${device}/+`,
    parse: (topic) =>
      topic.startsWith(`${root}/`) ? parseRest(topic.slice(root.length + 1).split('/')) : undefined
  }
}

function parseRest(levels: readonly string[]): Topic | undefined {
  const [kind, a, b] = levels
  if (kind === 'status' && levels.length === 1) return { kind: 'status' }
  if (kind === 'audit' && levels.length === 1) return { kind: 'audit' }
  if (kind === 'status' && a === 'sentinel' && b !== undefined && levels.length === 3)
    return { kind: 'sentinel', nonce: b }
  if (a === undefined) return undefined
  if (levels.length === 2 && isName(a)) {
    if (kind === 'req') return { kind: 'request', principal: a }
    if (kind === 'rep') return { kind: 'reply', principal: a }
    if (kind === 'agent') return { kind: 'agent', device: a }
  }
  if (levels.length !== 3 || b === undefined || !isName(b)) return undefined
  if (kind === 'update' && isName(a)) return { kind: 'update', device: a, resource: b }
  const scope = scopeOfLevel(a)
  if (kind === 'lock' && isScope(scope)) return { kind: 'lock', lock: lockName({ scope, resource: b }) }
  return undefined
}
