import { formatDuration } from '../../protocol/duration.ts'
import { EXIT } from '../../protocol/errors.ts'
import type { DeviceView, StatusView } from '../answers.ts'
import type { Colour } from '../colour.ts'
import { clientOptions } from '../common-options.ts'
import type { Output } from '../output.ts'
import { renderTable } from '../table.ts'
import { defineVerb } from '../verb.ts'
import { plural } from '../words.ts'

export const verb = defineVerb({
  name: 'status',
  summary: 'Show Locksmith, pushes under way and every device: state, holds, configuration',
  usage: '[options]',
  options: clientOptions,
  examples: ['locksmith status', 'locksmith status --json | jq .devices[0].holds'],
  exits: [EXIT.unreachable],
  positionals: { least: 0, most: 0, what: '' },
  run: async ({ values, context: { out } }) => {
    const { withFleet } = await import('../connect.ts')
    const { readStatus } = await import('../answers.ts')
    const answer = await withFleet('status', values, (fleet) => fleet.query('status'))
    out.data(answer)
    if (!out.json) show(readStatus(answer), out)
    return EXIT.fine
  }
})

function show({ locksmith, pushes = [], devices }: StatusView, out: Output): void {
  const { version, instance, term, startedMs } = locksmith
  out.print(`Locksmith ${version} (${instance}, term ${term}), running for ${formatDuration(startedMs)}`)
  for (const { id, resource, version, scope, by, sinceMs, devices: all, awaits } of pushes) {
    const since = sinceMs === null ? '' : ` for ${formatDuration(sinceMs)}`
    out.print(
      `push ${id} of ${resource} version ${version} by ${by} to ${scope} is under way${since}: ${awaits} of ${plural(all, 'device')} to come`
    )
  }
  if (devices.length === 0) return out.print('no device has said hello')
  const rows = devices.map((device) => row(device, out.colour))
  out.print(renderTable(['DEVICE', 'KIND', 'STATE', 'CONFIGURATION', 'HELD BY'], rows))
}

function row(device: DeviceView, colour: Colour) {
  const configs = Object.entries(device.configs).map(
    ([resource, { version, verified }]) => `${resource} ${version}${verified ? '' : ' unverified'}`
  )
  const holds = device.holds.map((hold) => {
    const owner = hold.owner === '' ? '' : ` of ${hold.owner}`
    return `${hold.waived ? 'waived ' : ''}${hold.kind}${owner}`
  })
  return [
    { text: device.device, paint: colour.bold },
    device.kind,
    device.online
      ? { text: device.state, paint: paintOf(device.state, colour) }
      : { text: `offline (${device.state})`, paint: colour.red },
    configs.join(', '),
    holds.join(', ')
  ]
}

function paintOf(state: string, colour: Colour): (text: string) => string {
  if (state === 'running') return colour.green
  return state === 'fault' ? colour.red : colour.yellow
}
