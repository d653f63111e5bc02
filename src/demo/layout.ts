import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'smol-toml'
import { deviceName } from '../rules/scope.ts'

/** The fleet of the demo: who there is, and where each one's files lie. */
export interface Device {
  /** Its path in the fleet. */
  readonly device: string
  readonly name: string
  readonly kind: 'drone' | 'arm' | 'compute'
  readonly folder: string
  readonly config: string
  readonly stateDir: string
  readonly port: string
  readonly trace: string
}

const PATHS = [
  ['site-1/patrol/drone-1', 'drone'],
  ['site-1/patrol/drone-2', 'drone'],
  ['site-1/patrol/drone-3', 'drone'],
  ['site-1/patrol/drone-4', 'drone'],
  ['plant-2/line-4/arm-1', 'arm'],
  ['plant-2/line-4/arm-2', 'arm'],
  ['plant-2/line-4/arm-3', 'arm'],
  ['lab/rack-1/node-7', 'compute']
] as const

export const SCOPES = ['*', 'site-1/patrol', 'plant-2/line-4', 'lab/rack-1'] as const

const sample = (kind: string, file: string): string =>
  readFileSync(new URL(`../samples/${kind}/${file}`, import.meta.url), 'utf8')

/** Lays out the folders of all devices, each with the sample configuration of its kind, adapted to this broker and folder. */
export function layOut(folder: string, broker: string): Device[] {
  return PATHS.map(([device, kind]) => {
    const name = deviceName(device)
    const home = join(folder, name)
    const entry: Device = {
      device,
      name,
      kind,
      folder: home,
      config: join(home, 'agent.toml'),
      stateDir: join(home, 'state'),
      port: join(home, 'axis'),
      trace: join(home, 'trace.jsonl')
    }
    mkdirSync(entry.stateDir, { recursive: true })
    mkdirSync(join(home, 'run'), { recursive: true })
    const config = parse(sample(kind, 'agent.toml')) as { controller: Record<string, unknown>[] } & Record<
      string,
      unknown
    >
    const adapted = { ...config, device, broker, stateDir: entry.stateDir, runDir: join(home, 'run') }
    const controller = config.controller.map((one) => ({ ...one, port: entry.port }))
    writeFileSync(entry.config, stringify({ ...adapted, controller }))
    return entry
  })
}

/** A document for the whole fleet: the arm's sample under another version and sensitivity. */
export function aimDocument(version: number, sensitivity: number): string {
  const document = parse(sample('arm', 'aim.toml')) as { values: Record<string, number> }
  return stringify({ ...document, version, values: { ...document.values, sensitivity } })
}
