import { parseArgs } from 'node:util'
import { acquire } from './acquire.ts'
import { agent } from './agent.ts'
import { type BenchOptions, type Figures, machine, type Row } from './figures.ts'
import { ghost } from './ghost.ts'
import { pause } from './pause.ts'

/** `npm run --silent bench -- [NAME…] [--rounds N]`: measures beside a floor or a peer in the same run, and prints JSON. */
const BENCHES: Readonly<Record<string, (options: BenchOptions) => Promise<Row[]>>> = {
  acquire,
  pause,
  ghost,
  agent
}
const USAGE = `usage: bench [NAME…] [--rounds N]; there are: ${Object.keys(BENCHES).join(', ')}`

interface Asked {
  readonly benches: readonly ((options: BenchOptions) => Promise<Row[]>)[]
  readonly options: BenchOptions
}

/** Throws an Error that says what was wrong with the words. */
function readWords(words: readonly string[]): Asked {
  const { values, positionals } = parseArgs({
    args: [...words],
    options: { rounds: { type: 'string' } },
    allowPositionals: true
  })
  const names = positionals.length > 0 ? positionals : Object.keys(BENCHES)
  const benches = names.map((name) => {
    const bench = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined
    if (bench === undefined) throw new Error(`there is no benchmark "${name}"`)
    return bench
  })
  if (values.rounds === undefined) return { benches, options: {} }
  const rounds = Number(values.rounds)
  if (!(Number.isInteger(rounds) && rounds > 0)) throw new Error(`--rounds "${values.rounds}" is no number`)
  return { benches, options: { rounds } }
}

async function run({ benches, options }: Asked): Promise<void> {
  const rows: Row[] = []
  for (const bench of benches) rows.push(...(await bench(options)))
  const figures: Figures = { machine: machine(), rows }
  process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`)
}

function asked(): Asked | undefined {
  try {
    return readWords(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}\n`)
    process.exitCode = 2
    return undefined
  }
}

const words = asked()
if (words !== undefined) await run(words)
