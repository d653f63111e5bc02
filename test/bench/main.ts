import { acquire } from './acquire.ts'
import { type Figures, machine, type Row } from './figures.ts'
import { ghost } from './ghost.ts'

/** `npm run --silent bench -- NAME`: measures beside a floor or a peer in the same run, and prints JSON. */
const BENCHES: Readonly<Record<string, () => Promise<Row[]>>> = { acquire, ghost }

const names = process.argv.slice(2)
const unknown = names.filter((name) => !Object.hasOwn(BENCHES, name))
if (unknown.length > 0) {
  process.stderr.write(`No benchmark ${unknown.join(', ')}. There are: ${Object.keys(BENCHES).join(', ')}\n`)
  process.exitCode = 2
} else {
  const rows: Row[] = []
  for (const name of names.length > 0 ? names : Object.keys(BENCHES))
    rows.push(...((await BENCHES[name]?.()) ?? []))
  const figures: Figures = { machine: machine(), rows }
  process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`)
}
