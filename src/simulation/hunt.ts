import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Report, runSeeds, type SeedResult, type SeedsOptions, Tally } from './seeds.ts'

export interface Hunt {
  /** How many processes run seeds at a time. */
  readonly jobs: number
  readonly stop: AbortSignal
  /** Told of each seed. */
  readonly ended: (result: SeedResult, sofar: Tally) => void
}

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url))

/** A process that runs seeds ended, though nobody told it to. */
export class WorkerLost extends Error {
  constructor(seed: number, status: number | string | null) {
    super(`the process that ran seed ${seed} ended with ${status}: run that seed alone to see why`)
    this.name = 'WorkerLost'
  }
}

/** Runs seeds in several processes at a time, each as it would run alone. @throws WorkerLost */
export async function hunt(options: SeedsOptions, { jobs, stop, ended }: Hunt): Promise<Report> {
  const count = Math.min(jobs, options.seeds)
  if (count <= 1) return runSeeds(options, stop, ended)
  const tally = new Tally()
  let next = options.seed
  let broken = false
  const nextSeed = (): number | undefined => {
    const late = tally.passedMs > (options.wallMs ?? Number.POSITIVE_INFINITY)
    if (stop.aborted || late || broken || next >= options.seed + options.seeds) return undefined
    next += 1
    return next - 1
  }
  const take = (result: SeedResult): void => {
    tally.add(result)
    if (result.violation !== undefined && options.all !== true) broken = true
    ended(result, tally)
  }
  await Promise.all(Array.from({ length: count }, () => work(options, { stop, nextSeed, take })))
  return tally.report
}

interface Work {
  readonly stop: AbortSignal
  readonly nextSeed: () => number | undefined
  readonly take: (result: SeedResult) => void
}

/** One process for as many seeds as there are; killed when all is to stop. */
function work(options: SeedsOptions, { stop, nextSeed, take }: Work): Promise<void> {
  const first = nextSeed()
  if (first === undefined) return Promise.resolve()
  const child: ChildProcess = fork(WORKER, [JSON.stringify(options)], { stdio: ['ignore', 2, 2, 'ipc'] })
  const kill = (): void => void child.kill('SIGKILL')
  stop.addEventListener('abort', kill)
  let seed: number | undefined = first
  child.send(seed)
  child.on('message', (result) => {
    take(result as SeedResult)
    seed = nextSeed()
    if (seed === undefined) child.disconnect()
    else child.send(seed)
  })
  return new Promise<void>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      if (seed === undefined || stop.aborted) resolve()
      else reject(new WorkerLost(seed, signal ?? code))
    })
  }).finally(() => stop.removeEventListener('abort', kill))
}
