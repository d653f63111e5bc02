import type { Log } from '../platform/logger.ts'
import type { AgentState } from '../protocol/messages.ts'
import type { JournalState } from '../rules/change.ts'
import type { ConfigFiles } from './config-file.ts'
import { failureOf } from './failure.ts'
import type { Journal } from './journal.ts'

export interface VersionsOptions {
  readonly configs: ConfigFiles
  readonly journal: Journal
  readonly log: Log
}

type Versions = AgentState['configs']

/** What the device has of each resource, for people. The disk is read only after something has touched it: this is asked at every status. */
export function versionsOf({ configs, journal, log }: VersionsOptions): () => Versions {
  let known: Versions = {}
  let readAt = -1
  return () => {
    if (readAt !== configs.touched) {
      readAt = configs.touched
      known = readAll(configs, log)
    }
    const inDoubt = ({ unverified, open }: JournalState, resource: string): boolean =>
      unverified.has(resource) || open?.change.resource === resource
    return Object.fromEntries(
      Object.entries(known).map(([resource, config]) => [
        resource,
        { ...config, verified: config.verified && !inDoubt(journal.state, resource) }
      ])
    )
  }
}

function readAll(configs: ConfigFiles, log: Log): Versions {
  try {
    const all: Versions = {}
    for (const resource of configs.list()) {
      const file = configs.read(resource)
      if (file === undefined) continue
      const { version, digest, fence, broken } = file
      if (broken !== undefined) log.error({ event: 'config-broken', resource }, `${resource}.toml: ${broken}`)
      all[resource] = { version, digest, fence, verified: broken === undefined }
    }
    return all
  } catch (error) {
    const { code, why } = failureOf(error)
    log.error({ event: 'configs-not-read', code }, why)
    return {}
  }
}
