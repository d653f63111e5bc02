import { userInfo } from 'node:os'
import { parseBrokerAddress } from '../platform/broker-address.ts'
import { MAX_REASON } from '../protocol/reason.ts'
import { isName, parseLock } from '../rules/scope.ts'
import { asText, durationBetween, flag, withFallback } from './options.ts'

/** Options that mean the same wherever they appear. */

function asBroker(text: string): string {
  parseBrokerAddress(text)
  return text
}

export function asName(text: string): string {
  if (isName(text)) return text
  throw new Error(`"${text}" is no name: a-z, 0-9, ".", "_" and "-", at most 63, not beginning with a sign`)
}

/** A principal for whoever is logged in: readable in every list of owners. */
export function loginName(): string {
  try {
    const name = userInfo().username.toLowerCase()
    return isName(name) ? name : 'operator'
  } catch {
    return 'operator'
  }
}

export const brokerOptions = {
  broker: withFallback(
    {
      placeholder: 'URL',
      help: 'where the MQTT broker is',
      shared: true,
      fallback: 'mqtt://127.0.0.1:1883'
    },
    asBroker
  ),
  fleet: withFallback({ placeholder: 'NAME', help: 'which fleet', shared: true, fallback: 'default' }, asName)
}

export const jsonOption = { json: flag('JSON and nothing else on stdout') }

export const clientOptions = {
  ...brokerOptions,
  as: withFallback(
    { placeholder: 'NAME', help: 'in whose name', shared: true, fallback: loginName() },
    asName
  ),
  timeout: withFallback(
    { placeholder: '5s', help: 'for one round trip, never for queueing', shared: true, fallback: '5s' },
    durationBetween(10, 600_000)
  ),
  ...jsonOption
}

export function asLock(text: string): string {
  if (parseLock(text) !== undefined) return text
  throw new Error(`"${text}" is no lock; write SCOPE:RESOURCE, such as plant-2/line-4:aim or *:aim`)
}

/** Why somebody does something, as Locksmith takes it. */
export function asReason(text: string): string {
  if (text.length <= MAX_REASON) return asText(text)
  throw new Error(`is ${text.length} characters long; at most ${MAX_REASON} are taken`)
}

export const asPath = asText
