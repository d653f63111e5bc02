import { join } from 'node:path'
import { encodeFrame } from '../../firmware-bridge/link/frame.ts'
import { buildRequest, requestTypes } from '../../firmware-bridge/link/messages.ts'
import { topicsOf } from '../../src/protocol/topics.ts'
import { startMosquitto } from '../support/mosquitto.ts'
import { startNode } from '../support/processes.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { waitFor, within } from '../support/wait.ts'
import { inContact, startAgentProcess } from './agent-process.ts'
import { type Board, openBoard, openSerialEnd, type SerialEnd } from './board.ts'
import { type BenchOptions, compared, median, type Row, rounded } from './figures.ts'
import { startServe } from './locksmith.ts'
import { type Scope, withScope } from './scope.ts'
import { openWatch, type Watch } from './watch.ts'

const COVERING = 'plant:aim'
/** Covers no agent: whoever hears its record is the relay. */
const RELAYED = 'elsewhere:aim'
const PAUSE = requestTypes.pause
/** The relay writes what the agent writes. */
const FRAME = encodeFrame({ type: PAUSE, seq: 1, link: 1, payload: buildRequest('pause', { why: 'lock' }) })
/** Rounds that only let the compilers of all processes do their work. */
const WARM_UP = 100

/**
 * From the record of a lock, as another subscriber hears it, to the pause frame on the serial line of an agent, and to the
 * firmware's own proof of standstill; beside a relay that does nothing but write as many bytes when it hears the record of a
 * lock of its own. Rounds take turns.
 */
export function pause({ rounds = 100 }: BenchOptions): Promise<Row[]> {
  return withScope(async (scope) => {
    const { url } = await startMosquitto(scope.context)
    const folder = temporaryFolder(scope.context)
    const board = openBoard(scope, join(folder, 'axis'))
    const end = openSerialEnd(scope, join(folder, 'relayed'))
    await startServe(scope, ['--broker', url, '--store', `sqlite:${join(folder, 'locksmith.db')}`])
    await inContact(startAgentProcess(scope, { folder, broker: url, port: board.link }))
    await startRelay(scope, url, end)
    const watch = await openWatch(scope, url, [COVERING, RELAYED])
    const figures = { relay: [] as number[], frame: [] as number[], stood: [] as number[] }
    for (let round = -WARM_UP; round < rounds; round += 1) {
      const relayed = await relayOnce(watch, end)
      const paused = await pauseOnce(watch, board)
      if (round < 0) continue
      figures.relay.push(relayed)
      figures.frame.push(paused.frameMs)
      figures.stood.push(paused.stoodMs)
    }
    return rowsOf(figures)
  })
}

function rowsOf({ relay, frame, stood }: Readonly<Record<'relay' | 'frame' | 'stood', number[]>>): Row[] {
  const common = { case: 'record to frame on the serial line', metric: 'p50', unit: 'ms' }
  const floor: Row = { ...common, system: 'bare relay', value: rounded(median(relay)) }
  return [
    floor,
    compared({ ...common, system: 'locksmith agent', value: median(frame) }, floor),
    {
      ...common,
      case: 'record to proof of standstill',
      system: 'locksmith agent',
      value: rounded(median(stood), 1)
    }
  ]
}

async function startRelay(scope: Scope, url: string, { link }: SerialEnd): Promise<void> {
  const file = new URL('./relay.ts', import.meta.url).pathname
  const topic = topicsOf('default').lock(RELAYED)
  const relay = startNode(scope.context, [file, url, topic, link, Buffer.from(FRAME).toString('hex')])
  await waitFor('the relay', () => relay.stdout.includes('ready'))
}

async function relayOnce(watch: Watch, end: SerialEnd): Promise<number> {
  const held = Promise.all([watch.heard(RELAYED, 'held'), end.frame(PAUSE)])
  watch.tell(`take ${RELAYED}`)
  const [heard, framed] = await within('the relay to write', held)
  const freed = Promise.all([watch.heard(RELAYED, 'free'), end.frame(PAUSE)])
  watch.tell('give')
  await within('the relay to write again', freed)
  return framed - heard
}

async function pauseOnce(watch: Watch, board: Board): Promise<{ frameMs: number; stoodMs: number }> {
  const patrols = board.traced((trace) => !trace.paused && trace.motion === 'moving')
  await within('the axis to patrol', patrols)
  const stands = board.traced((trace) => trace.paused && !trace.moving)
  const held = Promise.all([watch.heard(COVERING, 'held'), board.frame(PAUSE), stands])
  watch.tell(`take ${COVERING}`)
  const [heard, framed, stood] = await within('the axis to stand', held)
  const freed = watch.heard(COVERING, 'free')
  watch.tell('give')
  await within('the lock to be free', freed)
  return { frameMs: framed - heard, stoodMs: stood - heard }
}
