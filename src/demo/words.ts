import type { DemoFleet } from './fleet.ts'
import type { StepResult } from './story.ts'
import type { Usage } from './usage.ts'

/** What the demo says. */

export function introduction(
  fleet: DemoFleet,
  times: { readonly ttl: string; readonly lockDelay: string }
): string {
  return [
    `Locksmith demo: ${fleet.devices.length} devices, lease ${times.ttl}, lockDelay ${times.lockDelay}.`,
    `Folder: ${fleet.folder} (demo.json lists devices, pids, ports and traces)`,
    'From another terminal:',
    `  export LOCKSMITH_BROKER=${fleet.url}`,
    '  npm run --silent locksmith -- status',
    "  npm run --silent locksmith -- lock 'plant-2/line-4:aim' --reason 'just looking'",
    `  kill -9 ${fleet.agents.get('node-7')?.pid}   # node-7, the ghost of the story`
  ].join('\n')
}

const cut = (text: string, width: number): string =>
  text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width)

/** Step, expected, seen, time; and what it all costs when idle. */
export function storyTable(steps: readonly StepResult[], idle: Usage | undefined): string {
  const rows = steps.map(
    (step) =>
      `${step.ok ? 'ok  ' : 'FAIL'} ${cut(step.name, 34)} ${cut(step.expected, 52)} ${cut(step.detail, 70)} ${(step.ms / 1000).toFixed(1).padStart(6)} s`
  )
  const head = `     ${cut('step', 34)} ${cut('expected', 52)} ${cut('seen', 70)} ${'time'.padStart(8)}`
  const cost =
    idle === undefined
      ? []
      : [
          `Idle, all together: ${idle.cpuMs} ms of processor time per second, ${idle.residentMiB} MiB resident.`
        ]
  return [...cost, head, ...rows].join('\n')
}
