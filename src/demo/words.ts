import type { DemoFleet } from './fleet.ts'
import { column } from './screen-line.ts'
import type { StepResult } from './story.ts'
import type { Usage } from './usage.ts'

/** What the demo says. */

export function introduction(
  fleet: DemoFleet,
  times: { readonly ttl: string; readonly lockDelay: string }
): string {
  return [
    `Locksmith demo: ${fleet.devices.length} devices, lease ${times.ttl}, lockDelay ${times.lockDelay}.`,
    'Its folder, in which demo.json lists devices, scopes, pids, ports and traces:',
    `  ${fleet.folder}`,
    'From another terminal, in this checkout:',
    `  export LOCKSMITH_BROKER=${fleet.url}`,
    '  npm run --silent locksmith -- status',
    "  npm run --silent locksmith -- lock 'plant-2/line-4:aim' --reason 'a look'",
    `  kill -9 ${fleet.agents.get('node-7')?.pid}   # the agent of node-7, the ghost of the story`
  ].join('\n')
}

/** Narrower than this no column says anything. */
const NARROWEST = 60
/** What a row holds besides its three columns of words: verdict, time, and the gaps. */
const FIXED = 17

/** Step, expected, seen, time, in `width` columns; and what it all costs when idle. */
export function storyTable(steps: readonly StepResult[], idle: Usage | undefined, width: number): string {
  const room = Math.max(NARROWEST, width) - FIXED
  const name = Math.min(34, Math.floor(room * 0.28))
  const expected = Math.min(60, Math.floor(room * 0.36))
  const seen = room - name - expected
  const row = (verdict: string, words: readonly [string, string, string], time: string): string =>
    `${verdict.padEnd(4)} ${column(words[0], name)} ${column(words[1], expected)} ${column(words[2], seen)} ${time.padStart(9)}`
  const rows = steps.map((step) =>
    row(step.ok ? 'ok' : 'FAIL', [step.name, step.expected, step.detail], `${(step.ms / 1000).toFixed(1)} s`)
  )
  const cost =
    idle === undefined
      ? []
      : [
          `Idle, all together: ${idle.cpuMs} ms of processor time per second, ${idle.residentMiB} MiB resident.`
        ]
  return [...cost, row('', ['step', 'expected', 'seen'], 'time'), ...rows].join('\n')
}
