import { formatDuration } from '../protocol/duration.ts'
import type { DemoEvent } from './events.ts'
import { column, type Paint, paintLine, type ScreenLine } from './screen-line.ts'

/** What the live view knows at one moment. */
export interface Picture {
  readonly broker: string
  readonly folder: string
  /** Pid of node-7's agent while it runs. */
  readonly node7: number | undefined
  /** What is wrong with the view itself: lines that tell it, and what to do. */
  readonly trouble: readonly string[]
  readonly devices: readonly DevicePicture[]
  readonly locks: readonly LockPicture[]
  readonly events: readonly DemoEvent[]
}

export interface DevicePicture {
  /** Path in the fleet. */
  readonly device: string
  /** As the agent published it; `silent` when nothing is heard of the agent, `stopped` while the kernel holds it (SIGSTOP). */
  readonly state: string
  /** From the board's trace; undefined before its first line. */
  readonly axis: { readonly position: number; readonly moving: boolean } | undefined
  /** None while it is silent: what it told last says nothing of now. */
  readonly holds: readonly { readonly kind: string; readonly owner: string; readonly lock?: string }[]
  /** How long ago it was heard of; undefined unless it is silent. */
  readonly silentMs: number | undefined
}

export interface LockPicture {
  readonly lock: string
  readonly state: string
  readonly fence: number
  readonly owner: string
  /** What the owner says that it is doing, or why it took the lock. */
  readonly doing: string
  readonly heldMs: number
  readonly leaseLeftMs: number
  readonly waiters: readonly { readonly name: string; readonly waitedMs: number }[]
  readonly freedBy: { readonly what: string; readonly inMs: number | null } | null
}

export interface Palette {
  readonly bold: Paint
  readonly dim: Paint
  readonly red: Paint
  readonly green: Paint
  readonly yellow: Paint
}

export interface Screen {
  readonly columns: number
  readonly rows: number
  readonly colour: Palette
}

/** Paths are shown whole from this width on, else names. */
const WIDE = 72
const FEWEST_EVENTS = 3

/** The picture in lines that fit the screen; the last ones hold the latest events. */
export function drawPicture(picture: Picture, screen: Screen): string[] {
  const { colour, rows } = screen
  const top = [...heading(picture, colour), ...deviceTable(picture.devices, screen)]
  const below = picture.trouble.map((text) => [{ text, paint: colour.yellow }])
  const room = rows - top.length - below.length - FEWEST_EVENTS - 1
  const locks = lockLines(picture.locks, room, screen)
  const head: ScreenLine[] = [...top, ...below, ...locks, [{ text: 'last events', paint: colour.bold }]]
  const shown = Math.max(0, rows - head.length)
  const events = shown === 0 ? [] : picture.events.slice(-shown).map((event) => eventLine(event, colour))
  return [...head, ...events].slice(0, rows).map((line) => paintLine(line, screen.columns))
}

/** The shortest words with which somebody in another terminal can join in. */
function heading({ broker, folder, node7 }: Picture, { bold, dim }: Palette): ScreenLine[] {
  const kill = node7 === undefined ? [] : [`  kill -9 ${node7}   # the agent of node-7`]
  return [
    [{ text: 'Locksmith demo', paint: bold }, `  Ctrl-C ends it  ${folder}`],
    [{ text: 'From another terminal, in this checkout:', paint: dim }],
    ...[`  export LOCKSMITH_BROKER=${broker}`, "  npm run --silent locksmith -- lock '*:aim'", ...kill].map(
      (text) => [{ text, paint: dim }]
    )
  ]
}

function deviceTable(devices: readonly DevicePicture[], { columns, colour }: Screen): ScreenLine[] {
  const shown = devices.map((one) => ({ ...one, name: columns >= WIDE ? one.device : nameOf(one.device) }))
  const width = Math.max(6, ...shown.map(({ name }) => name.length))
  const head = `${column('device', width)}  ${column('state', 8)} ${'position'.padStart(8)}  ${column('axis', 6)}  held by`
  const rows = shown.map(
    ({ device, name, state, axis, holds, silentMs }): ScreenLine => [
      `${column(name, width)}  `,
      { text: column(state, 8), paint: paintOfState(state, colour) },
      ` ${(axis?.position.toFixed(1) ?? '').padStart(8)}  ${column(axis === undefined ? '' : axis.moving ? 'moves' : 'stands', 6)}  `,
      silentMs === undefined
        ? holds.map((hold) => holdWords(hold, nameOf(device))).join(', ')
        : `last heard ${formatDuration(silentMs)} ago`
    ]
  )
  return [[{ text: head, paint: colour.bold }], ...rows]
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

function holdWords({ kind, owner, lock }: DevicePicture['holds'][number], ofItself: string): string {
  if (kind === 'lock' && lock !== undefined) return `${lock} of ${owner}`
  return owner === ofItself ? kind : `${kind} of ${owner}`
}

function paintOfState(state: string, { green, yellow, red }: Palette): Paint {
  if (state === 'running') return green
  return state === 'silent' || state === 'stopped' || state === 'fault' ? red : yellow
}

function lockLines(locks: readonly LockPicture[], room: number, screen: Screen): ScreenLine[] {
  const { columns, colour } = screen
  if (locks.length === 0) return [[{ text: 'locks', paint: colour.bold }, '  none is taken']]
  const all = locks.map((lock) => (columns >= WIDE ? lockWide(lock, colour) : lockNarrow(lock, colour)))
  const whole = all.flat()
  if (whole.length <= room) return whole
  // Not enough room for all lines: who holds what comes first, what frees it is one command away.
  const firsts = all.flatMap(([first]) => (first === undefined ? [] : [first]))
  const most = Math.max(1, room - 1)
  return firsts.length <= room
    ? firsts
    : [...firsts.slice(0, most), [`and ${firsts.length - most} more: npm run --silent locksmith -- locks`]]
}

const lockWide = (lock: LockPicture, colour: Palette): ScreenLine[] => [
  [...holding(lock, colour), `, ${times(lock)}${doing(lock)}`],
  [`  ${freeing(lock)}; `, ...waiting(lock, colour)]
]

const lockNarrow = (lock: LockPicture, colour: Palette): ScreenLine[] => [
  [...holding(lock, colour), doing(lock)],
  [`  ${times(lock)}; `, ...waiting(lock, colour)],
  [`  ${freeing(lock)}`]
]

const holding = ({ lock, state, owner, fence }: LockPicture, { bold, red, yellow }: Palette): ScreenLine => [
  { text: lock, paint: bold },
  '  ',
  { text: state, paint: state === 'orphaned' ? red : yellow },
  ` by ${state === 'orphaned' ? 'the ghost ' : ''}${owner}, fence ${fence}`
]

const doing = ({ doing: what }: LockPicture): string => (what === '' ? '' : `: ${what}`)

const times = ({ heldMs, leaseLeftMs }: LockPicture): string =>
  `for ${formatDuration(heldMs)}, ${leaseLeftMs > 0 ? `lease left ${formatDuration(leaseLeftMs)}` : 'no lease left'}`

const waiting = ({ waiters }: LockPicture, { red, dim }: Palette): ScreenLine => {
  const names = waiters.map(({ name, waitedMs }) => `${name} (${formatDuration(waitedMs)})`)
  return [
    'waiting: ',
    names.length === 0 ? { text: 'nobody', paint: dim } : { text: names.join(', '), paint: red }
  ]
}

const freeing = ({ freedBy }: LockPicture): string =>
  `freed by ${freedBy?.what ?? 'nobody'}${freedBy?.inMs == null ? '' : `, within ${formatDuration(freedBy.inMs)}`}`

function eventLine({ at, from, text, hot }: DemoEvent, { red, bold, dim }: Palette): ScreenLine {
  const said = hot ? { text, paint: (words: string) => bold(red(words)) } : { text }
  return [{ text: `${at} `, paint: dim }, `${from} `, said]
}
