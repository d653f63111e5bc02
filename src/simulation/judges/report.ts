import { createHash } from 'node:crypto'
import type { Board } from '../device/board.ts'
import type { Device } from '../device/device.ts'
import { FLEET, type World } from '../world.ts'

interface Config {
  readonly version: number
  readonly digest: string
  readonly fence: number
  readonly verified: boolean
}

interface Report {
  readonly online: boolean
  readonly state: string
  readonly holds: readonly { readonly kind: string; readonly lock?: string; readonly owner: string }[]
  readonly configs: Readonly<Record<string, Config>>
}

/** What a device says of itself: the retained word that `status` shows. Compared, never believed. */
export function reportOf({ broker }: World, { name }: Device): Report | undefined {
  const text = broker.retained(`locksmith/1/${FLEET}/agent/${name}`)
  return text === undefined ? undefined : (JSON.parse(text) as Report)
}

/** Promise 12: file, controllers and reported configuration agree. What differs, in words. */
export function disagreement(world: World, device: Device): string | undefined {
  const report = reportOf(world, device)
  if (report === undefined) return 'nothing is known of it'
  if (!report.online) return 'it is said to be offline'
  for (const resource of ['aim', 'safety']) {
    const text = device.disk.read(`/state/config/${resource}.toml`)
    const told = report.configs[resource]
    const odd =
      text === undefined ? oddWithoutFile(device, resource, told) : oddFile({ device, resource, text, told })
    if (odd !== undefined) return odd
  }
  return undefined
}

function oddWithoutFile({ boards }: Device, resource: string, told: Config | undefined): string | undefined {
  if (told !== undefined) return `it tells of ${resource} version ${told.version}, and has no file`
  const board = boards.find(({ trace }) => (trace.versions[resource] ?? 0) !== 0)
  return (
    board && `${board.name} has ${resource} version ${board.trace.versions[resource]}, and there is no file`
  )
}

interface Compared {
  readonly device: Device
  readonly resource: string
  readonly text: string
  readonly told: Config | undefined
}

function oddFile({ device, resource, text, told }: Compared): string | undefined {
  const version = Number(/^version = (\d+)$/m.exec(text)?.[1] ?? 0)
  const document = text.replace(/^# last touched by .*\n/, '')
  const digest = createHash('sha256').update(document).digest('hex')
  if (told?.version !== version || told.digest !== digest || !told.verified)
    return `its file has ${resource} version ${version} (${digest}), and it tells of ${JSON.stringify(told)}`
  for (const board of device.boards) {
    if (board.trace.versions[resource] !== version)
      return `${board.name} has ${resource} version ${board.trace.versions[resource]}, the file ${version}`
    const odd = oddValue(board, resource, document)
    if (odd !== undefined) return odd
  }
  return undefined
}

function oddValue({ name, trace }: Board, resource: string, document: string): string | undefined {
  for (const [, key = '', value] of document.matchAll(/^(\w+) = ([\d.]+)$/gm)) {
    const there = trace.params[`${resource}.${key}`]
    if (there !== undefined && Math.abs(there - Number(value)) > 1e-4)
      return `${name} has ${resource}.${key} = ${there}, the file ${value}`
  }
  return undefined
}

/** Promise 10, while a lock covers it: it stands, and says under which lock. What is wrong, in words. */
export function unexplained(world: World, device: Device, locks: readonly string[]): string | undefined {
  if (device.boards.some(({ trace }) => !trace.paused || trace.moving)) return 'it does not stand'
  const report = reportOf(world, device)
  const named = locks.filter((lock) =>
    report?.holds.some((hold) => hold.kind === 'lock' && hold.lock === lock)
  )
  if (report?.state === 'paused' && named.length === locks.length) return undefined
  return `it stands under ${locks.join(', ')}, and says only: ${report?.state}, ${JSON.stringify(report?.holds)}`
}
