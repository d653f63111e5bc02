import type { Trace } from '../../../firmware-bridge/firmware/trace.ts'

type Said = readonly [key: string, what: string]

const MOTIONS = { moving: 'moves', decelerating: 'brakes', standstill: 'stands' } as const

/** What has happened in a controller between two looks into its own memory. */
export function tellBoard(before: Trace, now: Trace): readonly Said[] {
  const said: Said[] = []
  if (now.bootCount !== before.bootCount)
    said.push(['reset', `was reset (boot ${now.bootCount}): it is paused`])
  if (now.motion !== before.motion) said.push(['motion', MOTIONS[now.motion]])
  if (now.hostSilent && !before.hostSilent)
    said.push(['silent', 'has not heard its host for long: it pauses'])
  for (const resource of Object.keys(now.versions)) said.push(...tellResource(before, now, resource))
  for (const [reason, count] of Object.entries(now.refusals)) {
    if (count > (before.refusals[reason] ?? 0)) said.push(['refusal', `refuses: ${reason}`])
  }
  return said
}

function tellResource(before: Trace, now: Trace, resource: string): readonly Said[] {
  const has = (trace: Trace, what: 'staged' | 'unverified'): boolean => trace[what].includes(resource)
  const [version, old] = [now.versions[resource] ?? 0, before.versions[resource] ?? 0]
  const said: Said[] = []
  const committed = (now.fences[resource] ?? 0) > (before.fences[resource] ?? 0)
  if (committed)
    said.push([
      'commit',
      `${resource} version ${version} is in force under fence ${now.fences[resource]}, unverified`
    ])
  else if (version !== old && now.bootCount === before.bootCount)
    said.push(['commit', `${resource} version ${version} is back in force`])
  if (!committed && has(before, 'unverified') && !has(now, 'unverified') && version === old)
    said.push(['commit', `${resource} version ${version} is verified`])
  if (!has(before, 'staged') && has(now, 'staged')) said.push(['stage', `${resource} is staged`])
  if (has(before, 'staged') && !has(now, 'staged') && !committed)
    said.push(['stage', `has discarded what was staged of ${resource}`])
  const [floor, lower] = [now.floors[resource] ?? 0, before.floors[resource] ?? 0]
  if (floor > lower) said.push(['floor', `knows that the floor of ${resource} is ${floor}`])
  return said
}
