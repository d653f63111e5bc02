import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Story, TTL_MS } from '../support/fleet-story.ts'

const BEAT_MS = 500

test('contact that was lost comes back on a line whose round trip takes most of a lease', () => {
  const story = new Story()
  const tool = story.tool('ops')
  story.pass(2 * TTL_MS)
  const first = 1000
  const behind = Math.floor(TTL_MS / BEAT_MS) - 2
  for (let beat = 0; beat <= behind; beat += 1) {
    const heard = beat < behind ? 0 : first
    tool.beat({ seq: first + beat, heard })
    tool.nextBeat = Number.POSITIVE_INFINITY
    story.pass(BEAT_MS)
  }
  assert.equal(tool.last('heartbeat')?.leaseMs, TTL_MS)
})
