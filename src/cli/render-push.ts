import type { Colour } from './colour.ts'
import type { PushResult } from './run-push.ts'
import { renderTable } from './table.ts'
import { plural } from './words.ts'

export function renderPush({ ok, devices }: PushResult, colour: Colour): string {
  const rows = devices.map(({ device, outcome, version, code, detail }) => [
    device,
    { text: outcome, paint: outcome === 'applied' ? colour.green : colour.red },
    version === null ? '' : String(version),
    outcome === 'applied' ? '' : [code, detail].filter(Boolean).join(' ')
  ])
  const failed = devices.filter(({ outcome }) => outcome !== 'applied').length
  const verdict = ok
    ? `applied on ${plural(devices.length, 'device')}`
    : `not applied on ${failed} of ${plural(devices.length, 'device')}`
  return `${renderTable(['DEVICE', 'OUTCOME', 'VERSION', 'WHY'], rows)}\n${verdict}`
}
