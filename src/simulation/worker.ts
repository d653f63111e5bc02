import { runOne, type SeedsOptions } from './seeds.ts'

/** Runs each seed that it is sent and answers with what became of it, until its parent lets it go. */
const options = JSON.parse(process.argv[2] ?? '') as SeedsOptions
process.on('message', (seed) => {
  void runOne(seed as number, options).then((result) => process.send?.(result))
})
