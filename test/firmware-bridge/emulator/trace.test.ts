import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../support/temporary.ts'
import { awaitTrace, readTrace } from '../../support/trace-file.ts'
import { waitFor } from '../../support/wait.ts'
import { startShippedBoards } from './echo-boards.ts'

test('a trace has the documented shape, a paused axis at power-up, and a line at least every 100 ms', async (t) => {
  const folder = temporaryFolder(t)
  const trace = join(folder, 'trace')
  await startShippedBoards(t, [{ name: 'axis', link: join(folder, 'axis'), trace }])
  const lines = await waitFor('12 lines', () => {
    const seen = readTrace(trace)
    return seen.length >= 12 && seen
  })
  const [first] = lines
  assert.ok(first)
  const { position, moving, paused, params, fences, refusals } = first
  assert.deepEqual(
    { position, moving, paused, params, fences, refusals },
    {
      position: 0,
      moving: false,
      paused: true,
      params: {
        'aim.sensitivity': 0.5,
        'aim.deadband_deg': 0.5,
        'aim.max_slew_deg_s': 30,
        'safety.max_speed_mm_s': 250,
        'safety.max_force_n': 80,
        'safety.min_distance_mm': 400,
        'safety.geofence_radius_m': 120,
        'safety.max_altitude_m': 60
      },
      fences: { aim: 0, safety: 0 },
      refusals: {}
    }
  )
  lines.slice(1).forEach((line, index) => {
    const previous = lines[index]
    assert.ok(previous && line.tMs - previous.tMs <= 100, `${previous?.tMs} to ${line.tMs} ms`)
    assert.ok(line.atMs >= previous.atMs)
  })
})

test('a reset shows in the trace as a new boot, and only for the board that was reset', async (t) => {
  const folder = temporaryFolder(t)
  const boards = ['node-1', 'node-2'].map((name) => ({
    name,
    link: join(folder, name),
    trace: join(folder, `${name}.jsonl`)
  }))
  const running = await startShippedBoards(t, boards)
  const [reset = '', other = ''] = boards.map(({ trace }) => trace)
  await awaitTrace(reset, 'the first boot', { sinceMs: 0, wanted: ({ bootCount }) => bootCount === 1 })
  await running.reset('node-1')
  const { atMs } = await awaitTrace(reset, 'the second boot', {
    sinceMs: 0,
    wanted: ({ bootCount }) => bootCount === 2
  })
  const later = await awaitTrace(other, 'a later moment', { sinceMs: atMs, wanted: () => true })
  assert.equal(later.bootCount, 1)
})

test('a trace that has reached its size is kept as FILE.1 and goes on in a new file, without losing a line', async (t) => {
  const folder = temporaryFolder(t)
  const trace = join(folder, 'trace')
  const traceMaxBytes = 4000
  await startShippedBoards(t, [{ name: 'axis', link: join(folder, 'axis'), trace, traceMaxBytes }])
  const [older, newer] = await waitFor('a second file', () => {
    const both = [readTrace(`${trace}.1`), readTrace(trace)] as const
    // The turn may have come between the two looks.
    const [last, first] = [both[0].at(-1), both[1][0]]
    return last !== undefined && first !== undefined && last.tMs < first.tMs && both
  })
  const gap = (newer[0]?.tMs ?? 0) - (older.at(-1)?.tMs ?? 0)
  assert.ok(gap <= 100, `${gap} ms are missing`)
  const { size } = statSync(`${trace}.1`)
  assert.ok(size >= traceMaxBytes && size < 2 * traceMaxBytes, `${size} bytes`)
})
