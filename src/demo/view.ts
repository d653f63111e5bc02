import { setTimeout } from 'node:timers/promises'
import type { DemoFleet } from './fleet.ts'
import type { DemoOutput } from './index.ts'
import { Stage } from './stage.ts'

const DRAW_EVERY_MS = 500
const EVENTS_SHOWN = 8
/** Draws over what was drawn before, instead of scrolling. */
const HOME_AND_CLEAR = '\x1b[H\x1b[J'

interface DeviceRow {
  readonly device: string
  readonly state: string
  readonly online: boolean
  readonly holds: readonly { readonly kind: string; readonly owner: string; readonly why: string }[]
}

interface LockRow {
  readonly lock: string
  readonly state: string
  readonly fence: number
  readonly owner: { readonly name: string } | null
  readonly leaseLeftMs: number
  readonly waiters: readonly { readonly name: string }[]
  readonly freedBy: { readonly what: string; readonly inMs: number | null } | null
}

/** Shows every device's state, holds and position, every lock, and the last events, until stopped. */
export async function runView(
  fleet: DemoFleet,
  { out, stop }: { out: DemoOutput; stop: AbortSignal }
): Promise<undefined> {
  const stage = new Stage(fleet, { ttlMs: 15_000, lockDelayMs: 10_000 })
  const events: string[] = []
  fleet.children.onLine(({ from, json, text }) => {
    const event = typeof json?.event === 'string' ? `${json.event}: ${json.msg ?? ''}` : text
    events.push(`${new Date().toISOString().slice(11, 19)} ${from}: ${event}`.slice(0, 100))
    if (events.length > EVENTS_SHOWN) events.shift()
  })
  const drawing = process.stdout.isTTY === true && !out.json
  let drawn = false
  const draw = async (): Promise<void> => {
    const text = await picture(fleet, stage, events)
    if (drawing) process.stdout.write(HOME_AND_CLEAR)
    if (drawing || !drawn) out.print(text)
    drawn = true
  }
  try {
    while (!stop.aborted) {
      await draw().catch(() => undefined)
      await pause(DRAW_EVERY_MS, stop)
    }
  } finally {
    await stage.close()
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  setTimeout(ms, undefined, { signal }).catch(() => undefined)

async function picture(fleet: DemoFleet, stage: Stage, events: readonly string[]): Promise<string> {
  const devices = (await stage.query('devices')) as DeviceRow[]
  const locks = (await stage.query('locks')) as LockRow[]
  const rows = devices.map((row) => {
    const name = row.device.slice(row.device.lastIndexOf('/') + 1)
    const last = fleet.traces.get(name)?.last
    const position = last === undefined ? '' : last.position.toFixed(1).padStart(8)
    const motion = last?.moving ? 'moves' : 'stands'
    const holds = row.holds.map((hold) => `${hold.kind} by ${hold.owner}`).join(', ')
    return `${row.device.padEnd(24)} ${(row.online ? row.state : 'silent').padEnd(9)} ${position} ${motion.padEnd(7)} ${holds}`
  })
  const taken = locks.filter((lock) => lock.state !== 'free')
  const lockRows = taken.map(
    ({ lock, state, fence, owner, waiters, freedBy }) =>
      `${lock.padEnd(28)} ${state.padEnd(9)} fence ${fence} by ${owner?.name ?? '?'}; ` +
      `waiting: ${waiters.map((one) => one.name).join(', ') || 'nobody'}; freed by ${freedBy?.what ?? '?'}`
  )
  return [
    `Locksmith demo   LOCKSMITH_BROKER=${fleet.url}   ${fleet.folder}/demo.json   Ctrl-C ends it`,
    '',
    `${'device'.padEnd(24)} ${'state'.padEnd(9)} ${'position'.padStart(8)} ${'axis'.padEnd(7)} holds`,
    ...rows,
    '',
    'locks',
    ...(lockRows.length > 0 ? lockRows : ['  none is taken']),
    '',
    'last events',
    ...events
  ].join('\n')
}
