import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { LocksmithError } from '../protocol/errors.ts'

/** What a user wrote down once instead of typing it each time: `~/.config/locksmith/cli.toml`. */
export interface Settings {
  readonly path: string
  readonly values: Readonly<Record<string, string>>
}

const KEYS = ['broker', 'fleet', 'as', 'timeout']

/** @throws LocksmithError LK-6004 */
export async function readSettings(env: Readonly<Record<string, string | undefined>>): Promise<Settings> {
  const path = join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'locksmith', 'cli.toml')
  if (!existsSync(path)) return { path, values: {} }
  const { parseToml } = await import('../protocol/document.ts')
  const table = parseToml(readText(path), 'LK-6004', `${path}: `)
  for (const [key, value] of Object.entries(table)) {
    if (!KEYS.includes(key)) throw bad(path, `"${key}" is unknown; known are ${KEYS.join(', ')}`)
    if (typeof value !== 'string') throw bad(path, `"${key}" must be a text in quotes`)
  }
  return { path, values: table as Record<string, string> }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw bad(path, `cannot be read: ${(error as Error).message}`)
  }
}

const bad = (path: string, what: string): LocksmithError => new LocksmithError('LK-6004', `${path}: ${what}`)
