import type { Line } from './children.ts'

/** One line of what happened, as the live view shows it. */
export interface DemoEvent {
  /** Time of day, UTC. */
  readonly at: string
  readonly from: string
  readonly text: string
  /** Somebody wanted a lock and it was not free. */
  readonly hot: boolean
}

/** Steps of a change come eight at a time; what they lead to is told by lines of their own. */
const TOO_FINE = new Set(['step', 'debug'])

/** What a line that a process of the demo wrote tells people; undefined when it is of no interest to them. */
export function eventOf({ from, json, text }: Line, at: Date): DemoEvent | undefined {
  const stamp = at.toISOString().slice(11, 19)
  if (json === undefined) return { at: stamp, from, text, hot: false }
  const { event, level, msg } = json
  if (TOO_FINE.has(String(event)) || TOO_FINE.has(String(level))) return undefined
  const said = typeof msg === 'string' ? msg : typeof event === 'string' ? event : text
  return { at: stamp, from, text: [said, ...details(json, said)].join(' '), hot: event === 'HOT' }
}

/** Lock, owner and sender, where the message itself does not name them. */
function details(json: Readonly<Record<string, unknown>>, said: string): string[] {
  const owner = nameOf(json.owner)
  const parts = [
    ['', json.lock],
    ['of ', owner],
    ['', json.event === 'hello' ? json.name : undefined]
  ] as const
  return parts.flatMap(([before, what]) =>
    typeof what === 'string' && !said.includes(what) ? [`${before}${what}`] : []
  )
}

const nameOf = (owner: unknown): unknown =>
  typeof owner === 'object' && owner !== null && 'name' in owner ? owner.name : owner
