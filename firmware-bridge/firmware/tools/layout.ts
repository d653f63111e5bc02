/**
 * Writes firmware.json: where the trace lies and what it holds, for readers outside the chip.
 * Input on stdin: tools/layout.c, preprocessed. Arguments: name of the board, address of `fw_trace`.
 */
import { readFileSync } from 'node:fs'

const SIZES: Readonly<Record<string, number>> = { u8: 1, u16: 2, u32: 4, u64: 8, i32: 4, f32: 4 }

interface Tables {
  readonly resources: { readonly constant: string; readonly name: string }[]
  readonly params: string[]
  readonly reasons: string[]
  readonly fields: { readonly type: string; readonly name: string; readonly count: string }[]
}

function readTables(source: string): Tables {
  const tables: Tables = { resources: [], params: [], reasons: [], fields: [] }
  const [, text = ''] = source.split('layout begins;')
  for (const statement of text.split(';')) {
    const [kind, first = '', second = '', third = ''] = statement.trim().replaceAll('"', '').split(/\s+/)
    if (kind === 'resource') tables.resources.push({ constant: first, name: second })
    if (kind === 'param') tables.params.push(`${resourceName(tables, first)}.${second}`)
    if (kind === 'reason') tables.reasons.push(second)
    if (kind === 'field') tables.fields.push({ type: first, name: second, count: third })
  }
  return tables
}

function resourceName(tables: Tables, constant: string): string {
  const found = tables.resources.find((resource) => resource.constant === constant)
  if (found === undefined) throw new Error(`params.h names ${constant}, which is no resource`)
  return found.name
}

/** Offsets follow from the sizes: trace.c asserts that there is no padding. */
function layOut(tables: Tables) {
  const counts: Readonly<Record<string, number>> = {
    FW_RESOURCES: tables.resources.length,
    FW_PARAMS: tables.params.length,
    FW_REASONS: tables.reasons.length + 1
  }
  let offset = 0
  const fields = tables.fields.map(({ type, name, count }) => {
    const size = SIZES[type]
    const items = counts[count] ?? Number(count)
    if (size === undefined || !(items > 0))
      throw new Error(`trace.h: cannot lay out ${type} ${name}[${count}]`)
    const field = { name, type, count: items, offset }
    offset += size * items
    return field
  })
  return { fields, bytes: offset }
}

const [board = '', address = ''] = process.argv.slice(2)
const tables = readTables(readFileSync(0, 'utf8'))
const { fields, bytes } = layOut(tables)
const resources = tables.resources.map((resource) => resource.name)
const document = {
  board,
  address: Number(address),
  bytes,
  resources,
  params: tables.params,
  reasons: tables.reasons,
  fields
}
if (!Number.isInteger(document.address) || fields.length === 0)
  throw new Error('no address of fw_trace, or no fields')
process.stdout.write(JSON.stringify(document))
