import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** One search: a model with some rules taken away, and whether SPIN must find an error in it. */
export interface Search {
  readonly model: 'lock' | 'interlock'
  readonly variant: string
  readonly defines: readonly string[]
  readonly expected: 'holds' | 'fails'
  /** Too long for the tests; `npm run model` runs it. */
  readonly long?: boolean
}

export interface Finding extends Search {
  readonly seen: 'holds' | 'fails' | 'unfinished'
  readonly states: string
  readonly depth: string
  readonly memoryMb: string
  readonly seconds: string
}

const memoryLimitMb = 950
const depthLimit = 2_000_000

const calm = ['TTL=2', 'NO_RESTART']
const steady = ['CRASHES=0', 'RESETS=0']
const alone = ['PROGRESS', 'TTL=3', 'LIVES=2', 'REQUESTS=1']
const once = ['LIVES=1', 'REQUESTS=1']

export const searches: readonly Search[] = [
  {
    model: 'lock',
    variant: 'crash, new life',
    defines: [...calm, 'LIVES=2', 'REQUESTS=1'],
    expected: 'holds'
  },
  { model: 'lock', variant: 'late replies', defines: [...calm, ...once, 'REPLIES0=2'], expected: 'holds' },
  { model: 'lock', variant: 'Locksmith restarts', defines: ['TTL=2', ...once], expected: 'holds' },
  {
    model: 'lock',
    variant: 'repeats, overtaking',
    defines: [...calm, ...once, 'REPEATS', 'BEATS0=2'],
    expected: 'holds',
    long: true
  },
  {
    model: 'lock',
    variant: 'crash and restarts',
    defines: ['TTL=2', 'LIVES=2', 'REQUESTS=1'],
    expected: 'holds',
    long: true
  },
  { model: 'lock', variant: 'ghost comes free', defines: [...alone, 'GHOST_TICKS=8'], expected: 'holds' },
  {
    model: 'lock',
    variant: 'ghost, no marks',
    defines: [...alone, 'GHOST_TICKS=20', 'NO_MARKS'],
    expected: 'fails'
  },
  {
    model: 'lock',
    variant: 'lease from reply',
    defines: [...calm, ...once, 'LEASE_FROM_REPLY'],
    expected: 'fails'
  },
  {
    model: 'lock',
    variant: 'start forgets leases',
    defines: ['TTL=2', ...once, 'NO_START_LEASE'],
    expected: 'fails'
  },
  {
    model: 'lock',
    variant: 'unlock at once',
    defines: [...calm, ...once, 'CLEAR_AT_ONCE'],
    expected: 'fails'
  },
  {
    model: 'lock',
    variant: 'fence in memory',
    defines: ['TTL=2', ...once, 'FENCE_IN_MEMORY'],
    expected: 'fails'
  },
  {
    model: 'lock',
    variant: 'stale grant taken',
    defines: [...calm, ...once, 'REPLIES0=2', 'STALE_GRANT'],
    expected: 'fails'
  },
  {
    model: 'lock',
    variant: 'stale reply grants',
    defines: [...calm, ...once, 'REPLIES0=2', 'STALE_TRUTH'],
    expected: 'fails'
  },
  { model: 'interlock', variant: 'repeated frames', defines: [...steady, 'FENCES=1'], expected: 'holds' },
  {
    model: 'interlock',
    variant: 'two grants, stops',
    defines: [...steady, 'NO_REPEATS'],
    expected: 'holds',
    long: true
  },
  {
    model: 'interlock',
    variant: 'crash, reset, repeats',
    defines: ['FENCES=1', 'REPEATS=RESUME'],
    expected: 'holds',
    long: true
  },
  {
    model: 'interlock',
    variant: 'no fencing',
    defines: ['NO_FENCE', 'NO_DEADLINE', 'NO_REPEATS', ...steady],
    expected: 'fails',
    long: true
  },
  {
    model: 'interlock',
    variant: 'no fencing, no link',
    defines: ['NO_FENCE', 'NO_DEADLINE', 'NO_LINK', 'ORDER_ONLY', ...steady],
    expected: 'fails'
  },
  {
    model: 'interlock',
    variant: 'no deadline',
    defines: ['NO_DEADLINE', 'NO_REPEATS', ...steady],
    expected: 'fails',
    long: true
  },
  {
    model: 'interlock',
    variant: 'no deadline, order only',
    defines: ['NO_DEADLINE', 'ORDER_ONLY', 'NO_REPEATS', ...steady],
    expected: 'holds',
    long: true
  },
  {
    model: 'interlock',
    variant: 'no fence, deadline kept',
    defines: ['NO_FENCE', 'NO_REPEATS', ...steady],
    expected: 'holds',
    long: true
  },
  {
    model: 'interlock',
    variant: 'no verify',
    defines: ['NO_VERIFY', 'NO_REPEATS', ...steady],
    expected: 'fails',
    long: true
  },
  {
    model: 'interlock',
    variant: 'no standstill check',
    defines: ['NO_STANDSTILL', 'NO_REPEATS', ...steady],
    expected: 'holds',
    long: true
  },
  {
    model: 'interlock',
    variant: 'no pause id',
    defines: ['NO_PAUSE_ID', ...steady],
    expected: 'fails'
  },
  {
    model: 'interlock',
    variant: 'no config hold',
    defines: ['NO_CONFIG_HOLD', ...steady],
    expected: 'fails'
  }
]

export const hasSpin = (): boolean => spawnSync('spin', ['-V']).status === 0

const number = (output: string, pattern: RegExp): string => pattern.exec(output)?.[1] ?? '?'

/** Builds and runs one search in a folder of its own, which it removes. Throws when spin or the compiler fails. */
export function search(wanted: Search): Finding {
  const folder = mkdtempSync(join(tmpdir(), 'locksmith-model-'))
  try {
    const file = `${wanted.model}.pml`
    copyFileSync(join(import.meta.dirname, file), join(folder, file))
    const at = { cwd: folder, encoding: 'utf8', stdio: 'pipe' } as const
    execFileSync('spin', [...wanted.defines.map((name) => `-D${name}`), '-a', file], at)
    // A short search is not worth the optimizer's time.
    const optimized = wanted.long === true ? '-O1' : '-O0'
    execFileSync(
      'nice',
      ['-n', '10', 'cc', optimized, '-w', '-DSAFETY', `-DMEMLIM=${memoryLimitMb}`, '-o', 'pan', 'pan.c'],
      at
    )
    const startedMs = performance.now()
    const output = execFileSync('nice', ['-n', '10', './pan', `-m${depthLimit}`], at)
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
    const errors = number(output, /errors: (\d+)/)
    const cut = /MEMLIM bound|max search depth too small/.test(output)
    return {
      ...wanted,
      seen: errors !== '0' ? 'fails' : cut ? 'unfinished' : 'holds',
      states: number(output, /(\d+) states, stored/),
      depth: number(output, /depth reached (\d+)/),
      memoryMb: number(output, /([\d.]+)\s+total actual memory usage/),
      seconds
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const row = (cells: readonly string[]): string =>
  cells
    .map((cell, index) => (index < 4 ? cell.padEnd([10, 24, 9, 11][index] ?? 9) : cell.padStart(10)))
    .join(' ')

function main(): void {
  const say = (line: string): void => void process.stdout.write(`${line}\n`)
  if (!hasSpin()) {
    say('SKIPPED: the models were NOT checked, because spin is not installed (apt-get install spin)')
    return
  }
  say(row(['model', 'variant', 'expected', 'seen', 'states', 'depth', 'MB', 's']))
  for (const wanted of searches) {
    const found = search(wanted)
    if (found.seen !== found.expected) process.exitCode = 1
    const { model, variant, expected, seen, states, depth, memoryMb, seconds } = found
    say(row([model, variant, expected, seen, states, depth, memoryMb, seconds]))
  }
}

if (import.meta.main) main()
