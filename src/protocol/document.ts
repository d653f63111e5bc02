import { parse, TomlError } from 'smol-toml'
import * as z from 'zod'
import { isName } from '../rules/scope.ts'
import { LocksmithError } from './errors.ts'
import { sentence } from './messages.ts'
import { unknownResource } from './refusal-words.ts'

/** Configuration documents: one resource, changed as a whole. */
export interface Document {
  readonly resource: string
  readonly version: number
  readonly values: Readonly<Record<string, number>>
}

export const MAX_DOCUMENT_BYTES = 64 * 1024

const number = (min: number, max: number) => z.number().min(min).max(max)

/** What each resource may contain. A controller may be stricter. */
const VALUES: Readonly<Record<string, z.ZodType<Record<string, number>>>> = {
  aim: z.strictObject({
    sensitivity: number(0, 1),
    deadband_deg: number(0, 10),
    max_slew_deg_s: number(1, 360)
  }),
  safety: z.strictObject({
    max_speed_mm_s: number(1, 5000),
    max_force_n: number(1, 1000),
    min_distance_mm: number(0, 5000),
    geofence_radius_m: number(1, 5000),
    max_altitude_m: number(1, 500)
  })
}

/** The resources that every fleet has. */
export const RESOURCES: readonly string[] = Object.keys(VALUES)

const shape = z.strictObject({
  resource: z.string().refine(isName, 'not a name'),
  version: z.int().min(1).max(0xffffffff),
  values: z.record(
    z.string().refine((key) => isName(key), 'not a name'),
    z.number()
  )
})

/**
 * Reads a document.
 * @throws LocksmithError LK-3004 (does not parse), LK-3005 (breaks its schema), LK-3007 (unknown resource)
 */
export function parseDocument(text: string): Document {
  if (Buffer.byteLength(text) > MAX_DOCUMENT_BYTES) {
    throw new LocksmithError(
      'LK-3005',
      `the document has ${Buffer.byteLength(text)} bytes; at most ${MAX_DOCUMENT_BYTES} are accepted`
    )
  }
  const toml = parseToml(text, 'LK-3004')
  refusePrototype(toml)
  const parsed = shape.safeParse(toml)
  if (!parsed.success) throw new LocksmithError('LK-3005', sentence(parsed.error))
  const { resource, version, values } = parsed.data
  const schema = Object.hasOwn(VALUES, resource) ? VALUES[resource] : undefined
  if (schema === undefined) {
    throw new LocksmithError('LK-3007', unknownResource(resource, RESOURCES), 'Use one of those')
  }
  const checked = schema.safeParse(values)
  if (!checked.success) throw new LocksmithError('LK-3005', `values.${sentence(checked.error)}`)
  return { resource, version, values: checked.data }
}

/** zod passes such a key over in silence, and nothing of a document may be half understood. */
function refusePrototype(toml: Record<string, unknown>): void {
  const tables: readonly unknown[] = [toml, toml.values]
  for (const table of tables) {
    if (typeof table === 'object' && table !== null && Object.hasOwn(table, '__proto__'))
      throw new LocksmithError('LK-3005', '__proto__: not a name')
  }
}

/** TOML, or an error that names line and column. */
export function parseToml(text: string, code: 'LK-3004' | 'LK-6004', where = ''): Record<string, unknown> {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const what = error.message.split('\n')[0] ?? 'does not parse'
    throw new LocksmithError(code, `${where}line ${error.line}, column ${error.column}: ${what}`)
  }
}
