import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startMosquitto } from '../support/mosquitto.ts'
import { type Process, startNode } from '../support/processes.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { inContact, startAgentProcess } from './agent-process.ts'
import { openBoard } from './board.ts'
import { type BenchOptions, compared, median, type Row, rounded } from './figures.ts'
import { startServe } from './locksmith.ts'
import { withScope } from './scope.ts'

/** Long enough for heartbeats of both ends and for what the start has left behind to be collected. */
const IDLE_MS = 5_000

interface Sample {
  readonly startMs: number
  readonly residentMiB: number
}

/**
 * An agent from the start of its process to its first truth, until which it stands paused, and its memory when it idles
 * afterwards; beside a Node that only prints a line and idles.
 */
export function agent({ rounds = 5 }: BenchOptions): Promise<Row[]> {
  return withScope(async (scope) => {
    const { url } = await startMosquitto(scope.context)
    const folder = temporaryFolder(scope.context)
    const { link } = openBoard(scope, join(folder, 'axis'))
    await startServe(scope, ['--broker', url, '--store', `sqlite:${join(folder, 'locksmith.db')}`])
    const bare: Sample[] = []
    const agents: Sample[] = []
    for (let round = 0; round < rounds; round += 1) {
      bare.push(await sample(() => startNode(scope.context, ['-e', BARE]), saysReady))
      const own = join(folder, `agent-${round}`)
      mkdirSync(own)
      agents.push(
        await sample(() => startAgentProcess(scope, { folder: own, broker: url, port: link }), inContact)
      )
    }
    return rowsOf(bare, agents)
  })
}

const BARE = 'console.log(\'{"event":"ready"}\'); setInterval(() => {}, 1000)'
const saysReady = (node: Process): Promise<unknown> => node.line('ready', (line) => line.event === 'ready')

async function sample(start: () => Process, ready: (started: Process) => Promise<unknown>): Promise<Sample> {
  const begun = performance.now()
  const started = start()
  await ready(started)
  const startMs = performance.now() - begun
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
  const residentMiB = residentOf(started.pid)
  await started.kill()
  return { startMs, residentMiB }
}

function residentOf(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kibibytes) / 1024
}

function rowsOf(bare: readonly Sample[], agents: readonly Sample[]): Row[] {
  const memory = { case: 'resident memory, idle', metric: 'median', unit: 'MiB' }
  const start = { case: 'process start to connected and safe', metric: 'median', unit: 'ms' }
  const memoryOf = (samples: readonly Sample[]): number => median(samples.map((one) => one.residentMiB))
  const startOf = (samples: readonly Sample[]): number => median(samples.map((one) => one.startMs))
  const bareMemory: Row = { ...memory, system: 'bare node', value: rounded(memoryOf(bare), 1) }
  const bareStart: Row = {
    ...start,
    case: 'process start to first line',
    system: 'bare node',
    value: rounded(startOf(bare), 1)
  }
  return [
    bareMemory,
    compared({ ...memory, system: 'locksmith agent', value: memoryOf(agents) }, bareMemory),
    bareStart,
    compared({ ...start, system: 'locksmith agent', value: startOf(agents) }, bareStart)
  ]
}
