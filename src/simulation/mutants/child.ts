import { runSeeds, type SeedsOptions } from '../seeds.ts'

/** Runs seeds in a process of its own; the report is the one line on stdout. */
const options = JSON.parse(process.argv[2] ?? '') as SeedsOptions
process.stdout.write(`${JSON.stringify(await runSeeds(options))}\n`)
